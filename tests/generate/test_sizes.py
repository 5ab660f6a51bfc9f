"""Very small and very large pictures: every technique that starts from a picture takes them."""

import numpy as np
import pytest

from viz_core.generate.class_image import ClassImage
from viz_core.generate.deepdream import DeepDream
from viz_core.generate.fooling import Fooling
from viz_core.generate.inversion import Inversion
from viz_core.images.intake import Picture
from viz_core.images.refs import keep_upload
from viz_core.technique import finish

QUICK = {"model": "bundled-random", "size": 32, "steps": 1}
KINDS = {
    "class image": lambda **given: ClassImage(**given, start="picture"),
    "fooling": lambda **given: Fooling(**given, attack="fgsm", aim="away"),
    "dream": lambda **given: DeepDream(**given, octaves=2),
    "inversion": lambda **given: Inversion(**given, layers=("relu1",)),
}


@pytest.fixture(params=[(16, 16), (2000, 3000), (40, 400)], ids=["tiny", "huge", "long"])
def image(request) -> str:
    height, width = request.param
    rows = np.linspace(0, 255, height, dtype=np.uint8)[:, None, None]
    return keep_upload(Picture(np.broadcast_to(rows, (height, width, 3)).copy()))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_pictures_of_any_size_are_taken(kind, image):
    result = finish(KINDS[kind](**QUICK, image=image).run())
    assert min(result.arrays["image"].shape[-2:]) == 32
    assert max(result.arrays["image"].shape[-2:]) <= 64
    assert np.isfinite(result.arrays["image"]).all()
