"""Everything people should not upload, uploaded: each gets its sentence, the page works on, the picture stays."""

import pytest

from tests.images.hostile import OK, uploads
from viz_core.texts import text

HOSTILE = [upload for upload in uploads() if upload.expected != OK]


def test_there_are_at_least_twenty_five():
    assert len(HOSTILE) >= 25


def test_each_gets_its_sentence_and_the_page_works_after_it(open_page):
    page = open_page("pages/network.py")
    before = page.selectbox(key="image").value
    for upload in HOSTILE:
        page.file_uploader(key="pictures.file").upload(upload.name, upload.data).run()
        assert not page.exception, upload.name
        said = [error.value for error in page.error]
        start = text(upload.expected).split("{")[0]
        assert len(said) == 1, (upload.name, said)
        assert said[0].startswith(start), (upload.name, said)
        assert page.selectbox(key="image").value == before, upload.name
    page.selectbox(key="image").select("sample:chelsea").run()
    assert not page.exception


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_good_picture_after_a_bad_one_is_taken_and_the_sentence_goes(open_page, lang):
    page = open_page("pages/network.py", lang)
    page.file_uploader(key="pictures.file").upload("bad.png", HOSTILE[0].data).run()
    assert page.error
    good = next(upload for upload in uploads() if upload.expected == OK)
    page.file_uploader(key="pictures.file").upload(good.name, good.data).run()
    assert not page.error
    assert page.selectbox(key="image").value.startswith("upload:")
