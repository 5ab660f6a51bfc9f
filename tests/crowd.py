"""A class of light visitors: each a websocket that speaks the dashboard's own protocol, without a browser."""

import asyncio
import itertools
import time
from collections.abc import Mapping
from urllib.parse import urlencode

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

MOST_BYTES = 200 * 2**20
PATIENCE_S = 120


class Person:
    """Somebody with the page of a room open: knows the buttons on it, and clicks them."""

    def __init__(self, address: str, page: str, parameters: Mapping[str, str]) -> None:
        self.page, self.parameters = page, dict(parameters)
        self._stream = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
        self._address = address
        self.buttons: dict[str, str] = {}
        self.waits: list[float] = []
        self.told: list[str] = []  # what the page said in boxes: errors, above all

    async def arrive(self) -> None:
        """Open the page, or come back to it: a browser does both in the same way."""
        self._socket = await websockets.connect(
            self._stream, subprotocols=["streamlit"], origin=self._address, max_size=MOST_BYTES, open_timeout=PATIENCE_S
        )
        await self._run("")

    async def leave(self) -> None:
        """Close the page."""
        await self._socket.close()

    async def click(self, key: str) -> None:
        """Press the button with this key and wait until the page has followed; the wait is written down."""
        began = time.monotonic()
        await self._run(self.buttons[key])
        self.waits.append(time.monotonic() - began)

    async def look(self) -> None:
        """Have the page drawn anew."""
        await self._run("")

    def open_choices(self) -> list[str]:
        """The keys of the answers on the page."""
        return [key for key in self.buttons if key.startswith("choice.")]

    async def _run(self, pressed: str) -> None:
        told = BackMsg()
        told.rerun_script.query_string = urlencode(self.parameters)
        told.rerun_script.page_name = self.page
        if pressed:
            state = told.rerun_script.widget_states.widgets.add()
            state.id, state.trigger_value = pressed, True
        await self._socket.send(told.SerializeToString())
        await asyncio.wait_for(self._follow(), PATIENCE_S)

    async def _follow(self) -> None:
        """Read the page until its script has run to the end."""
        self.buttons = {}
        while True:
            said = ForwardMsg()
            said.ParseFromString(await self._socket.recv())
            kind = said.WhichOneof("type")
            if kind == "delta" and said.delta.new_element.WhichOneof("type") == "button":
                self.buttons[said.delta.new_element.button.id.rpartition("-")[2]] = said.delta.new_element.button.id
            elif kind == "delta" and said.delta.new_element.WhichOneof("type") == "alert":
                self.told.append(said.delta.new_element.alert.body)
            elif kind == "page_info_changed":
                pairs = (pair.split("=", 1) for pair in said.page_info_changed.query_string.split("&") if "=" in pair)
                self.parameters = dict(pairs)
            elif kind == "script_finished" and said.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return


async def answer_all(person: Person, questions: int, number: int, pause_s: float = 0.0) -> None:
    """Answer one question after the other, each person in their own way; wait as long as people look at a picture."""
    for place in itertools.count():
        choices = person.open_choices()
        if not choices or place >= questions:
            return
        await asyncio.sleep(pause_s * (0.5 + ((number * 37 + place * 17) % 100) / 100))
        await person.click(choices[(number + place) % len(choices)])
