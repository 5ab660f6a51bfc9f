"""The front door of Convscope: page settings, sidebar and navigation. `streamlit run app.py` works."""

from pathlib import Path

import streamlit as st

from pages.ui.memory import set_loaded_aside
from pages.ui.navigation import open_page
from pages.ui.theme import readable_buttons

ICON = Path(__file__).parent / "assets" / "icons" / "convscope.png"

st.set_page_config(page_title="Convscope", page_icon=str(ICON), layout="wide")
st.logo(str(ICON), size="large")
readable_buttons()
open_page()
set_loaded_aside()
