"""DeepDream as a script: of a picture, of an endless zoom into it, of a film; freely or of a guide picture."""

from viz_core.generate.deepdream import CROP, GUIDE_SIDE, LEVELS, MOST_GUIDES, DeepDream
from viz_core.generate.flow import carried, flow
from viz_core.generate.loop import tiles
from viz_core.images.intake import Picture
from viz_core.images.render import encode_png
from viz_core.images.tensor import central
from viz_core.images.video import open_clip
from viz_core.scripts.parts import Files, borrowed, compose, fill, value
from viz_core.scripts.script import Script
from viz_core.technique import check_channel

OBEYED = (
    *("layer", "channel", "also", "weights", "octaves", "octave_scale", "steps", "step_size", "jitter", "guide"),
    *("carry", "guided", "zoom", "film", "tile", "begin"),
)
_BODY = """
generator = torch.Generator().manual_seed($seed)
$guide

$gradient

def dream(x):  # from small to large: what was dreamt is carried to the next size, the picture itself comes back sharp
    detail = torch.zeros_like(x)
    for octave in reversed(range($octaves)):
        factor = min(1.0, max($octave_scale**-octave, 32 / min(x.shape[-2:])))
        base = resized(x, tuple(round(side * factor) for side in x.shape[-2:]))
        values, firsts = (base + resized(detail, base.shape[-2:])).clamp(0, 1), []
        slope = gradient(values, firsts)
        for step in range($steps):
            values = (values - $step_size * (slope / slope.flatten(1).abs().mean(1))).clamp(0, 1)
            slope = gradient(values, firsts)
        detail = values - base
    return (x + resized(detail, x.shape[-2:])).clamp(0, 1)

$frames
result = dreamt.numpy()
Image.fromarray((255 * result[0].transpose(1, 2, 0)).round().astype(np.uint8)).save("dream.png")
"""
_GRADIENT = """
def gradient(values, firsts):  # of how strongly the layers answer, which should grow
    values = values.detach().requires_grad_()
    $look
    strengths = [$strengths]
    firsts += [value.detach().abs() for value in strengths][len(firsts):]  # each as a share of its first value
    loss = -sum($share for $each in zip(strengths, firsts$weights))
    return torch.autograd.grad(loss, values)[0]
"""
_IN_TILES = """
def gradient(values, firsts):  # of how strongly the layers answer, which should grow, tile by tile
    shift = torch.randint($low, $high, (2,), generator=generator).tolist()
    shifted = values.detach().roll(shift, (2, 3)).requires_grad_()
    for tile in tiles(shifted, $tile):
        see(tile)
        strengths = [$strengths]
        firsts += [value.detach().abs() for value in strengths][len(firsts):]  # each as a share of its first value
        part = tile.numel() / values.numel()
        (-sum(part * $share for $each in zip(strengths, firsts$weights))).backward()
    return shifted.grad.roll([-pixels for pixels in shift], (2, 3))
"""
_RESIZED = """
def resized(picture, size):
    return F.interpolate(picture, tuple(size), mode="bilinear", antialias=True)
"""
_ROLL = """shift = torch.randint({far}, {end}, (2,), generator=generator).tolist()
    see(values.roll(shift, (2, 3)))"""
_GUIDE = """
# What the guide picture makes the layers answer; every place is to become like the one it is most like.
see(picture("guide.png", $size))
guides = [answers[0].flatten(1)[:, :$most] for answers in ($answers,)]
"""
_AGREEMENT = """
def agreement(answers, guide):  # of each place with the place of the guide that it is most like
    return torch.einsum("ncp,cg->npg", answers.flatten(2), guide).amax(2).mean(1)
"""
_ONE = 'dreamt = dream(picture("picture.png", $size))'
_ZOOM = """
dreamt = dream(picture("picture.png", $size))
for _ in range($frames):  # each frame dreams of the middle of the last
    height, width = dreamt.shape[-2:]
    top, left = max(1, round($crop / 2 * height)), max(1, round($crop / 2 * width))
    dreamt = dream(resized(dreamt[..., top : height - top, left : width - left], (height, width)).clamp(0, 1))
"""
_FILM = """
frames = [picture(file, $size) for file in sorted(Path("film").glob("*.png"))]
levels = [np.rint(frame[0].numpy().transpose(1, 2, 0) * np.float32(255)).astype(np.uint8) for frame in frames]
dreamt = dream(frames[0])
for n in range(1, len(frames)):  # what was dreamt into the last frame moves along with what moved
    moved = carried(dreamt - frames[n - 1], flow(levels[n - 1], levels[n]))
    dreamt = dream((frames[n] + $carry * moved).clamp(0, 1))
"""


def write(technique: DeepDream) -> Script:
    """The dream, of several frames the last."""
    network, far = technique.network(), technique.jitter
    size = technique.size or network.input_size
    layers = technique.layers(network)
    answers = [value(network, layer, layers) for layer in layers]
    weighted = any(weight != 1 for weight in technique.weights[: len(layers)])
    weights = [*technique.weights, *[1.0] * len(layers)][: len(layers)]
    share = "strength / first"
    body = fill(
        _BODY,
        seed=technique.seed,
        guide=fill(_GUIDE, size=min(GUIDE_SIDE, size), most=MOST_GUIDES, answers=", ".join(answers))
        if technique.guided
        else "",
        gradient=fill(
            _GRADIENT if technique.tile is None else _IN_TILES,
            look=_ROLL.format(far=-far, end=far + 1) if far else "see(values)",
            low=-far,
            high=far + 1,
            tile=technique.tile,
            strengths=", ".join(_strengths(technique, answers)),
            share=f"weight * {share}" if weighted else share,
            each="strength, first, weight" if weighted else "strength, first",
            weights=f", {weights}" if weighted else "",
        ),
        octaves=technique.octaves,
        octave_scale=repr(technique.octave_scale),
        steps=technique.steps,
        step_size=repr(technique.step_size / LEVELS),
        frames=_frames(technique, size),
    )
    pictures = {} if technique.film else {"picture.png": technique.begin or technique.image}
    pictures |= {"guide.png": technique.guide} if technique.guided else {}
    groundwork = [
        fill(_AGREEMENT) if technique.guided else "",
        fill(_RESIZED),
        borrowed(flow) if technique.film else "",
        borrowed(carried) if technique.film else "",
        borrowed(tiles) if technique.tile is not None else "",
    ]
    files = _film_files(technique.film) if technique.film else {}
    return compose(
        technique,
        "image",
        body,
        pictures=pictures,
        layers=layers,
        groundwork="\n\n".join(filter(None, groundwork)),
        files=files,
    )


def _strengths(technique: DeepDream, answers: list[str]) -> list[str]:
    """How strongly each layer answers, or how well it agrees with the guide."""
    if technique.guided:
        return [f"agreement({answer}, guides[{place}])" for place, answer in enumerate(answers)]
    network = technique.network()
    channel = check_channel(network, technique.layers(network)[0], technique.channel)
    first = answers[0] + (f"[:, {channel}]" if channel is not None else "")
    return [f"{answer}.flatten(1).square().mean(1) / 2" for answer in (first, *answers[1:])]


def _frames(technique: DeepDream, size: int) -> str:
    """The code that dreams of one picture, or of one frame after the other."""
    if technique.film:
        return fill(_FILM, size=size, carry=repr(technique.carry))
    if technique.zoom:
        return fill(_ZOOM, size=size, frames=technique.zoom, crop=CROP)
    return fill(_ONE, size=size)


def _film_files(film: str) -> Files:
    """The frames of a film as PNG files."""
    return {
        f"film/{number:05d}.png": lambda frame=frame: encode_png(central(Picture(frame).pixels))  # type: ignore[misc]
        for number, frame in enumerate(open_clip(film).frames)
    }
