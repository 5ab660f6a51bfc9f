"""The home page in a real browser: a card leads to its room with the choices made, and Streamlit's own words are Korean."""

from playwright.sync_api import expect

from viz_core.images.render import read_recipe
from viz_core.recipe import Recipe

PATIENCE_MS = 60_000  # others may be at work on the same machine


def test_a_card_leads_to_its_room_and_the_picture_goes_along(visitor):
    page = visitor().open("?image=sample%3Arocket")
    card = page.locator(".cards a[data-id=filters]")
    card.wait_for()
    assert card.locator("img").evaluate("picture => picture.decode().then(() => picture.naturalWidth)") == 320
    assert "image=sample%3Arocket" in card.get_attribute("href")
    card.click()
    expect(page.locator("[data-testid=stMain] h1")).to_contain_text("Filters", timeout=PATIENCE_MS)
    expect(page.get_by_role("combobox", name="Picture")).to_have_value("Rocket", timeout=PATIENCE_MS)


def test_a_picture_saved_from_the_page_carries_its_recipe(visitor):
    """As with the right mouse button: what the browser shows is the very file, not one made of it."""
    page = visitor().open("cam")
    shown = page.locator("[data-testid=stMain] [data-testid=stImage] img").first
    shown.wait_for(timeout=PATIENCE_MS)
    file = page.request.get(shown.evaluate("picture => picture.src")).body()
    assert Recipe.model_validate_json(read_recipe(file)).technique == "cam"


def test_the_words_inside_the_widgets_follow_the_language(visitor):
    page = visitor(locale="ko-KR").open()
    uploader = page.locator("[data-testid=stFileUploader]").first
    expect(uploader).to_contain_text("파일 고르기", timeout=PATIENCE_MS)
    expect(uploader).to_contain_text("파일 하나에 30MB까지")


def test_on_a_telephone_the_menu_closes_behind_the_page_that_was_chosen(visitor):
    page = visitor(viewport={"width": 390, "height": 844}).open("lesson")
    page.locator("[data-testid=stExpandSidebarButton]").click()
    page.locator("[data-testid=stSidebarNavLink]").filter(has_text="Compare").click()
    expect(page.locator("[data-testid=stMain] h1")).to_contain_text("Compare", timeout=PATIENCE_MS)
    expect(page.locator("[data-testid=stExpandSidebarButton]")).to_be_visible(timeout=PATIENCE_MS)
