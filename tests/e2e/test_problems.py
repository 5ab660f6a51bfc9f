"""Whatever goes wrong in a callback or in a part of a page, people read a sentence, and the page is there."""

import pytest
from playwright.sync_api import expect

SENTENCES = {
    "known": "The file is empty: choose another picture.",
    "unforeseen": "Something went wrong on our side.",
    "part": "Something went wrong on our side.",
}


@pytest.mark.parametrize("key", SENTENCES)
def test_a_failure_leaves_its_sentence_and_the_page(key, visitor, serve_script):
    page = visitor(serve_script("failing_page.py").address).open()
    page.click(f".st-key-{key} button")
    expect(page.get_by_test_id("stAlert")).to_contain_text(SENTENCES[key])
    expect(page.get_by_role("heading", name="Here it is")).to_be_visible()
    expect(page.get_by_text("and it stays")).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0
    if key != "part":
        page.click(f".st-key-{'known' if key == 'unforeseen' else 'unforeseen'} button")
        expect(page.get_by_test_id("stAlert")).not_to_contain_text(SENTENCES[key])
