"""Pictures that a network makes: class images, dreams, inversions, textures, styles."""
