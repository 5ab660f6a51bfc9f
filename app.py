"""The front door of Convscope: page settings, sidebar and navigation. `streamlit run app.py` works."""

import streamlit as st

from pages.ui.navigation import open_page

st.set_page_config(page_title="Convscope", page_icon=":material/center_focus_strong:", layout="wide")
open_page()
