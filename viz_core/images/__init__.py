"""Pictures: reading what people bring, samples, tensors, rendering, and sets of pictures."""
