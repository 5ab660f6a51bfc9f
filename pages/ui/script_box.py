"""A room's result as a script: to read, to copy, and to download with what it needs."""

import streamlit as st

from pages.ui.controls import field_text
from pages.ui.language import language, t
from viz_core.errors import ConvscopeError
from viz_core.recipe import Recipe
from viz_core.registry import technique
from viz_core.scripts.script import HELPER, Script, has_script, script_for

CODE_HEIGHT = 420


@st.fragment  # opening it does not run the page again
def script_box(recipe: Recipe) -> None:
    """The popover with the script of a recipe; nothing for techniques that have none."""
    kind = technique(recipe.technique)
    if not has_script(kind):
        return
    key = f"{kind.slug}.script"
    popover = st.popover(t("ui.script"), icon=":material/code:", key=key, on_change="rerun")
    if not popover.open:
        return
    with popover:
        try:
            script = script_for(kind(**recipe.parameters))
        except ConvscopeError as problem:
            st.info(_sentence(kind, problem), icon=":material/code_off:")
            return
        _shown(script, kind.slug)


def _sentence(kind, problem: ConvscopeError) -> str:
    """Why there is no script, with the setting called as the page calls it."""
    setting = problem.values.get("setting")
    if setting is None:
        return problem.sentence(language())
    return t(problem.key, setting=field_text(kind, str(setting), "label"))


def _shown(script: Script, slug: str) -> None:
    st.caption(t("ui.script_about", array=script.array, file=script.saved_as))
    st.download_button(
        t("ui.script_download"),
        script.bundle,
        file_name=f"convscope-{slug}-script.zip",
        key=f"{slug}.script.zip",
        icon=":material/folder_zip:",
        on_click="ignore",
    )
    st.code(script.code, language="python", height=CODE_HEIGHT)
    if script.helper:
        with st.expander(t("ui.script_helper", file=HELPER)):
            st.code(script.helper, language="python", height=CODE_HEIGHT)
