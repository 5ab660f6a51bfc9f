"""DeepDream as a script."""

from viz_core.generate.deepdream import LEVELS, DeepDream
from viz_core.scripts.parts import compose, fill, value
from viz_core.scripts.script import Script
from viz_core.technique import check_channel

OBEYED = ("layer", "channel", "also", "octaves", "octave_scale", "steps", "step_size", "jitter", "guide", "carry")
_BODY = """
x = picture("picture.png", $size)
generator = torch.Generator().manual_seed($seed)

def resized(picture, size):
    return F.interpolate(picture, size, mode="bilinear", antialias=True)

def gradient(values, firsts):  # of how strongly the layers answer, which should grow
    values = values.detach().requires_grad_()
    $look
    strengths = [$strengths]
    firsts += [strength.detach() for strength in strengths][len(firsts):]  # each counts as a share of its first value
    loss = -sum(strength / first for strength, first in zip(strengths, firsts))
    return torch.autograd.grad(loss, values)[0]

# From small to large: what was dreamt is carried to the next size, the picture itself comes back sharp.
detail = torch.zeros_like(x)
for octave in reversed(range($octaves)):
    factor = min(1.0, max($octave_scale**-octave, 32 / min(x.shape[-2:])))
    base = resized(x, tuple(round(side * factor) for side in x.shape[-2:]))
    values, firsts = (base + resized(detail, base.shape[-2:])).clamp(0, 1), []
    slope = gradient(values, firsts)
    for step in range($steps):
        values = (values - $step_size * (slope / slope.abs().mean())).clamp(0, 1)
        slope = gradient(values, firsts)
    detail = values - base
result = (x + resized(detail, x.shape[-2:])).clamp(0, 1).numpy()
Image.fromarray((255 * result[0].transpose(1, 2, 0)).round().astype(np.uint8)).save("dream.png")
"""
_ROLL = """shift = torch.randint({far}, {end}, (2,), generator=generator).tolist()
    see(values.roll(shift, (2, 3)))"""


def write(technique: DeepDream) -> Script:
    """The dream."""
    network = technique.network()
    layers = technique.layers(network)
    channel = check_channel(network, layers[0], technique.channel)
    strengths = []
    for layer in layers:
        answers = value(network, layer, layers)
        answers += f"[:, {channel}]" if channel is not None and layer == layers[0] else ""
        strengths.append(f"{answers}.square().mean() / 2")
    far = technique.jitter
    body = fill(
        _BODY,
        size=technique.size or network.input_size,
        seed=technique.seed,
        look=_ROLL.format(far=-far, end=far + 1) if far else "see(values)",
        strengths=", ".join(strengths),
        octaves=technique.octaves,
        octave_scale=repr(technique.octave_scale),
        steps=technique.steps,
        step_size=repr(technique.step_size / LEVELS),
    )
    return compose(technique, "image", body, pictures={"picture.png": technique.image}, layers=layers)
