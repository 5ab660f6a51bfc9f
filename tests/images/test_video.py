"""Films: what goes in comes out again, and what is no film gets its sentence."""

import numpy as np
import pytest

from viz_core.errors import ConvscopeError
from viz_core.images.samples import sample
from viz_core.images.video import LONGEST_SIDE, MOST_FRAMES, encode_mp4, keep_clip, load_clip, open_clip

FRAME = sample("chelsea").pixels[:120, :161]


def test_a_film_comes_back_as_it_went_in():
    frames = [np.roll(FRAME, 3 * shift, 1) for shift in range(12)]
    clip = load_clip(encode_mp4(frames, 12))
    assert len(clip.frames) == 12
    assert clip.frames[0].shape == (120, 160, 3)
    assert clip.per_second == pytest.approx(12, rel=0.01)
    assert np.abs(clip.frames[5].astype(int) - frames[5][:, :160]).mean() < 6


def test_many_frames_a_second_are_thinned_out():
    clip = load_clip(encode_mp4([FRAME] * 60, 30))
    assert 22 <= len(clip.frames) <= 25
    assert clip.per_second == pytest.approx(12, rel=0.1)


def test_large_frames_become_smaller():
    clip = load_clip(encode_mp4([np.zeros((700, 1400, 3), np.uint8)] * 2, 12))
    assert clip.frames[0].shape[1] == LONGEST_SIDE


def test_a_second_is_taken_and_ten_minutes_are_not():
    assert len(load_clip(encode_mp4([FRAME] * 12, 12)).frames) == 12
    with pytest.raises(ConvscopeError, match="600 seconds"):
        load_clip(encode_mp4([FRAME[:32, :32]] * 600, 1))


@pytest.mark.parametrize(
    "data", [b"", b"nonsense" * 99, encode_mp4([FRAME] * 6, 12)[:400]], ids=["empty", "noise", "cut"]
)
def test_what_is_no_film_gets_its_sentence(data):
    with pytest.raises(ConvscopeError):
        load_clip(data)


def test_a_film_is_kept_by_its_content_and_found_by_path(tmp_path):
    data = encode_mp4([FRAME] * 3, 12)
    assert len(open_clip(keep_clip(data)).frames) == 3
    (tmp_path / "film.mp4").write_bytes(data)
    assert len(open_clip(str(tmp_path / "film.mp4")).frames) == 3
    for ref in ("clip:gone", str(tmp_path / "none.mp4")):
        with pytest.raises(ConvscopeError):
            open_clip(ref)


def test_not_more_frames_than_a_run_can_hold():
    assert len(load_clip(encode_mp4([FRAME[:32, :32]] * 125, 12)).frames) <= MOST_FRAMES
