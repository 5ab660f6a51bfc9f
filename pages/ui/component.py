"""What our components share in the browser: how they are put on the page, how they follow a pointer, their buttons."""

# `component` is what a script exports. `build(view)` is called once for a place on the page, with the `html` in `view.root`;
# `update(view, before)` with new data in `view.data` and the data before, none at first; `end(view)` when the place is gone.
# `view.trigger(name, value)` tells the server.
SCRIPT = """
const views = new WeakMap();

function component(name, html, build, update, end = () => {}) {
  return ({ data, parentElement, setTriggerValue }) => {
    let view = views.get(parentElement);
    if (!view) {
      const root = document.createElement('div');
      root.className = name;
      root.innerHTML = html;
      parentElement.appendChild(root);
      view = { root };
      build(view);
      views.set(parentElement, view);
    }
    const before = view.data;
    Object.assign(view, { data, trigger: setTriggerValue });
    update(view, before);
    return () => {
      end(view);
      view.root.remove();
      views.delete(parentElement);
    };
  };
}

// Where the pointer is: shares of an element's width and height, beyond 0 and 1 outside of it.
function shareAt(element, event) {
  const box = element.getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}

// A pointer that is pressed on an element belongs to it until it is lifted, wherever it goes.
function onPress(element, { start, move, lift, cancel = lift }) {
  let pressed = false;
  element.onpointerdown = event => { pressed = true; element.setPointerCapture(event.pointerId); start(event); };
  element.onpointermove = event => move(event, pressed);
  element.onpointerup = event => { if (pressed) lift(event); pressed = false; };
  element.onpointercancel = event => { if (pressed) cancel(event); pressed = false; };
}

// Columns and rows that an arrow key goes; nothing for other keys.
const arrow = event => ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] })[event.key];

const within = (value, least, most) => Math.min(most, Math.max(least, value));

function showPicture(image, src) {
  if (image.getAttribute('src') !== src) image.src = src;
}
"""


def buttons(name: str) -> str:
    """The look of the buttons of a component of this name, as CSS."""
    return f"""
.{name} button {{ font: inherit; color: inherit; background: var(--st-background-color); padding: 0.25rem 0.75rem;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); cursor: pointer; }}
.{name} button:hover, .{name} button[aria-pressed=true] {{ color: var(--st-primary-color);
  border-color: var(--st-primary-color); }}
.{name} button:focus-visible, .{name} canvas:focus-visible {{ outline: 2px solid var(--st-primary-color);
  outline-offset: 2px; }}
.{name} button:disabled {{ opacity: 0.5; cursor: default; }}
"""
