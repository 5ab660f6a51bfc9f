"""The pages in their sections: home, the network, and one room for each technique whose page exists."""

import logging
from functools import cache
from pathlib import Path

import streamlit as st

from pages.ui import link
from pages.ui.language import choose_language, language, t
from pages.ui.lesson_bar import PLACE, chosen_lesson, lesson_bar
from pages.ui.pictures import RECIPE
from pages.ui.problems import tell_last
from pages.ui.session import owner
from pages.ui.sidebar import sidebar
from viz_core.errors import ConvscopeError
from viz_core.export import recipe_of
from viz_core.lesson import Stop
from viz_core.recipe import Recipe
from viz_core.registry import techniques
from viz_core.technique import SECTIONS, Technique
from viz_core.texts import text

log = logging.getLogger(__name__)
PAGES = Path(__file__).resolve().parents[1]


def page_file(kind: type[Technique]) -> Path:
    """Where a technique's page lives."""
    return PAGES / kind.section / f"{kind.slug.replace('-', '_')}.py"


@cache
def rooms() -> tuple[type[Technique], ...]:
    """The techniques that have a page."""
    return tuple(kind for kind in techniques().values() if page_file(kind).exists())


def room_page(kind: type[Technique]) -> st.Page:
    """The navigation entry of a technique."""
    name = kind.slug.replace("-", "_")
    return st.Page(
        page_file(kind),
        title=text(f"{name}.title", language()),
        icon=f":material/{kind.icon}:",
        url_path=kind.slug,
        help=text(f"{name}.question", language()),
    )


def compare_page() -> st.Page:
    """The navigation entry of the comparison."""
    return st.Page(PAGES / "compare.py", title=t("compare.title"), icon=":material/compare:", url_path="compare")


def pages() -> dict[str, list[st.Page]]:
    """All pages by the title of their section."""
    sections = {
        "": [
            st.Page(PAGES / "home.py", title=t("home.title"), icon=":material/home:", default=True),
            st.Page(PAGES / "network.py", title=t("network.title"), icon=":material/account_tree:", url_path="network"),
            st.Page(PAGES / "lesson.py", title=t("lesson.title"), icon=":material/route:", url_path="lesson"),
            compare_page(),
        ]
    }
    for section in SECTIONS:
        entries = [room_page(kind) for kind in rooms() if kind.section == section]
        if entries:
            sections[t(f"ui.sections.{section}")] = entries
    return sections


def open_page() -> None:
    """Draw the shared sidebar, then the page asked for; nobody ever sees a traceback."""
    link.read()
    owner()  # who is there keeps their jobs, on whichever page they are
    choose_language()
    page = st.navigation(pages(), position="top")
    link.enter(page.url_path)
    try:
        st.session_state["choice"] = sidebar()
        offer_recipe()
        place = lesson_bar()
        if place is not None:
            st.session_state[PLACE] = place
            go_to_stop(chosen_lesson().stops[place])
        if page.url_path not in {kind.slug for kind in rooms()}:
            link.write(st.session_state["choice"].parameters())
        tell_last()
        page.run()
    except ConvscopeError as problem:
        st.error(problem.sentence(language()), icon=":material/error:")
    except Exception:
        log.exception("page %s failed", page.url_path)
        st.error(t("ui.unexpected"), icon=":material/error:")
    finally:
        link.leave()


def offer_recipe() -> None:
    """Where the newest upload is a picture that Convscope made: the way to the room and the settings that made it."""
    recipe = st.session_state.get(RECIPE)
    known = {kind.slug: kind for kind in rooms()}
    if recipe is None or recipe.technique not in known:
        return
    kind = known[recipe.technique]
    title = text(f"{kind.slug.replace('-', '_')}.title", language())
    with st.sidebar:
        st.info(t("ui.has_recipe", title=title), icon=":material/receipt_long:")
        if st.button(t("ui.open_recipe"), key="recipe.open"):
            st.session_state[RECIPE] = None
            open_recipe(recipe)


def recipe_drop() -> None:
    """Where a picture that Convscope made is dropped, its room opens with the settings that made it."""
    file = st.file_uploader(t("home.recipe"), type=["png", "json"], key="home.recipe", help=t("home.recipe_help"))
    if file is None:
        return
    try:
        open_recipe(recipe_of(file.getvalue()))
    except ConvscopeError as problem:
        st.error(problem.sentence(language()), icon=":material/error:")


def open_recipe(recipe: Recipe) -> None:
    """Open the room of a recipe with its settings."""
    kind = techniques()[recipe.technique]
    given = {name: value for name, value in recipe.parameters.items() if name in kind.model_fields}
    told = {
        name: value for name, value in given.items() if value is not None or kind.model_fields[name].default is not None
    }
    parameters = {name: link.as_parameter(value) for name, value in told.items()}
    st.switch_page(room_page(kind), query_params=parameters)


def go_to_stop(stop: Stop) -> None:
    """Open the room of a lesson's stop with its settings, on the network and picture at hand where it names none."""
    kind = techniques()[stop.room]
    given = st.session_state["choice"].parameters() | stop.settings
    st.switch_page(room_page(kind), query_params=given)
