"""A run to watch: its newest picture, how far it is, and its curves.

Where the server offers streams (`pages.ui.server`) a canvas reads one; a plain `streamlit run app.py` asks four times a
second instead.
"""

import streamlit as st

from pages.ui.curve_names import terms, whole_names
from pages.ui.embedded import address
from pages.ui.language import t
from pages.ui.session import owner
from viz_core.jobs import Job, find_job

POLL_S = 0.25
TEXTS = ("picture", "step", "rate", "left", "waiting", "starting", "shared", "stopping", "ended", "lost")

_CSS = """
.live { display: grid; gap: 0.5rem; font-family: var(--st-font); color: var(--st-text-color); }
.live canvas { max-width: 100%; height: auto; border-radius: var(--st-base-radius);
  background: var(--st-secondary-background-color); }
.live progress { width: 100%; height: 0.5rem; accent-color: var(--st-primary-color); }
.live .status { font-size: 0.9rem; font-variant-numeric: tabular-nums; min-height: 1.4em; }
.live .curves { display: flex; flex-wrap: wrap; gap: 1rem; }
.live figure { margin: 0; flex: 1 1 14rem; max-width: 28rem; }
.live svg { display: block; width: 100%; height: 4rem; background: var(--st-secondary-background-color);
  border-radius: var(--st-base-radius); }
.live polyline { fill: none; stroke: var(--st-primary-color); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.live figcaption { font-size: 0.8rem; font-variant-numeric: tabular-nums; }
"""

_JS = """
const views = new WeakMap();
const SHORT_SIDE = 448;  // of a small picture on the page, about; larger ones are shown pixel by pixel
const SQUARES_FROM = 8;  // times enlarged: pixels are shown as squares, since then they are what there is to see

function build(parent) {
  const root = document.createElement('div');
  root.className = 'live';
  root.innerHTML = '<canvas role="img" width="0" height="0"></canvas><progress max="1" value="0"></progress>' +
    '<div class="status"></div><div class="curves"></div>';
  parent.appendChild(root);
  const [canvas, bar, status, curves] = root.children;
  const view = { root, canvas, bar, status, curves, told: null, lost: false, stopping: false, shown: 0, job: null,
    control: null };
  view.heard = event => {
    if (event.target.closest && event.target.closest('.st-key-stop') && active(view.told)) stop(view);
  };
  document.addEventListener('click', view.heard, true);
  return view;
}

const active = told => told && (told.state === 'queued' || told.state === 'running');

// Straight to the server, and the picture stays as it is: the way through a run of the page would take a while.
function stop(view) {
  view.stopping = true;
  fetch(new URL(view.path + '/stop', document.location.href), { method: 'POST' }).catch(() => {});
  draw(view);
}

const fill = (template, values) => template.replace(/\\{(\\w+)\\}/g, (_, name) => values[name]);

function clock(seconds) {
  const whole = Math.round(seconds);
  return Math.floor(whole / 60) + ':' + String(whole % 60).padStart(2, '0');
}

const significant = value => Number(value.toPrecision(3)).toString();

function describe(told, texts) {
  if (!active(told)) return told.total ? fill(texts.ended, told) : '';
  const parts = [];
  if (told.position) parts.push(fill(texts.waiting, told));
  else if (!told.done) parts.push(texts.starting);
  else parts.push(fill(texts.step, told));
  if (told.steps_per_second) parts.push(fill(texts.rate, { rate: significant(told.steps_per_second) }));
  if (told.seconds_left != null) parts.push(fill(texts.left, { time: clock(told.seconds_left) }));
  if (told.people > 1) parts.push(fill(texts.shared, { others: told.people - 1 }));
  return parts.join(' \\u00b7 ');
}

function drawCurves(view, texts) {
  const names = Object.keys(view.told.curves).filter(name => view.told.curves[name].length > 1);
  while (view.curves.children.length > names.length) view.curves.lastChild.remove();
  names.forEach((name, index) => {
    let figure = view.curves.children[index];
    if (!figure) {
      figure = document.createElement('figure');
      figure.innerHTML = '<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img"><polyline></polyline>' +
        '</svg><figcaption></figcaption>';
      view.curves.appendChild(figure);
    }
    const points = view.told.curves[name];
    const values = points.map(point => point[1]);
    const low = Math.min(...values), high = Math.max(...values);
    const first = points[0][0], last = points[points.length - 1][0];
    const place = ([step, value]) => 100 * (step - first) / (last - first || 1) + ',' +
      (95 - 90 * (high > low ? (value - low) / (high - low) : 0.5));
    figure.querySelector('polyline').setAttribute('points', points.map(place).join(' '));
    const inWords = part => Object.entries(texts.terms).reduce((said, [term, label]) => said.replace(term, label), part);
    const title = name.split(': ').map(part => texts.curves[part] || inWords(part)).join(': ');
    const said = title + ': ' + significant(values[values.length - 1]);
    figure.querySelector('figcaption').textContent = said;
    figure.querySelector('svg').setAttribute('aria-label', said);
  });
}

function draw(view) {
  const texts = view.texts;
  view.canvas.setAttribute('aria-label', texts.picture);
  view.bar.setAttribute('aria-label', texts.picture);
  if (view.lost) { view.status.textContent = texts.lost; return; }
  if (!view.told) { view.status.textContent = texts.starting; return; }
  view.bar.max = view.told.total || 1;
  view.bar.value = view.told.done;
  view.status.textContent = view.stopping && active(view.told) ? texts.stopping : describe(view.told, texts);
  view.root.dataset.state = view.told.state;
  view.root.dataset.computed = view.told.frame;
  drawCurves(view, texts);
}

async function paint(view, jpeg) {
  const picture = await createImageBitmap(new Blob([jpeg], { type: 'image/jpeg' }));
  const { canvas } = view;
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    canvas.width = picture.width;
    canvas.height = picture.height;
    const times = Math.max(1, Math.round(SHORT_SIDE / Math.min(picture.width, picture.height)));
    canvas.style.width = picture.width * times + 'px';
    canvas.style.imageRendering = times >= SQUARES_FROM ? 'pixelated' : 'auto';
  }
  canvas.getContext('2d').drawImage(picture, 0, 0);
  picture.close();
  view.shown += 1;
  view.root.dataset.shown = view.shown;
}

async function read(view, body) {
  const reader = body.getReader(), decoder = new TextDecoder();
  let held = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const joined = new Uint8Array(held.length + value.length);
    joined.set(held);
    joined.set(value, held.length);
    held = joined;
    for (;;) {
      const lengths = new DataView(held.buffer, held.byteOffset, held.byteLength);
      if (held.length < 4) break;
      const head = lengths.getUint32(0);
      if (held.length < 8 + head) break;
      const size = lengths.getUint32(4 + head);
      if (held.length < 8 + head + size) break;
      view.told = JSON.parse(decoder.decode(held.subarray(4, 4 + head)));
      const jpeg = held.slice(8 + head, 8 + head + size);
      held = held.subarray(8 + head + size);
      if (size && !(view.stopping && active(view.told))) await paint(view, jpeg);
      draw(view);
    }
  }
}

const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

async function follow(view, path, signal) {
  while (!signal.aborted) {
    try {
      const answer = await fetch(new URL(path, document.location.href), { signal, cache: 'no-store' });
      view.lost = false;
      if (answer.status === 404) return 'gone';
      if (answer.ok) await read(view, answer.body);
      if (view.told && !active(view.told)) return view.told.state;
    } catch (problem) {
      if (signal.aborted) return null;
    }
    view.lost = true;
    draw(view);
    await pause(1000);
  }
  return null;
}

export default function ({ data, parentElement, setTriggerValue }) {
  let view = views.get(parentElement);
  if (!view) {
    view = build(parentElement);
    views.set(parentElement, view);
  }
  view.texts = data.texts;
  view.report = setTriggerValue;
  if (view.job !== data.job) {
    if (view.control) view.control.abort();
    const control = new AbortController();
    Object.assign(view, { job: data.job, path: data.path, control, told: null, lost: false, stopping: false, shown: 0 });
    follow(view, data.path, control.signal).then(state => {
      if (state && data.active && !control.signal.aborted) view.report('done', state);
    });
  }
  draw(view);
  return () => {
    view.control.abort();
    document.removeEventListener('click', view.heard, true);
    view.root.remove();
    views.delete(parentElement);
  };
}
"""

_canvas = st.components.v2.component("convscope_live", css=_CSS, js=_JS)
_offers_streams = False


def offer_streams() -> None:
    """Say that this process serves `/live/<job>`, so that pages read streams."""
    global _offers_streams
    _offers_streams = True


def attach(room: str) -> Job | None:
    """The job the link names, if it is this room's; who comes back after a reload becomes its owner again."""
    job = find_job(st.query_params.get("job", ""))
    if job is None or not job.name.startswith(f"{room}:"):
        return None
    job.adopt(owner())
    return job


def live_view(job: Job, key: str) -> None:
    """Draw a job and keep drawing it while it changes; the page runs once more when it has ended."""
    owner()
    job.touch()
    if _offers_streams:
        data = {"job": job.id, "path": f"live/{job.id}", "active": job.active, "texts": _texts()}
        _canvas(data=data, key=key, on_done_change=lambda: None)
    else:
        _poll(job)


@st.fragment
def stop_button(job: Job | None) -> None:
    """The button that ends a job early; the page does not run again before the job has ended."""
    st.button(
        t("ui.stop"),
        key="stop",
        icon=":material/stop:",
        disabled=job is None or not job.active or job.stopping,
        on_click=job.stop if job is not None else None,
    )


def _texts() -> dict[str, object]:
    return {name: t(f"live.{name}") for name in TEXTS} | {"curves": whole_names(), "terms": terms()}


def _poll(job: Job) -> None:
    """Draw the job again every quarter of a second until it has ended."""
    watching = job.active

    @st.fragment(run_every=POLL_S if watching else None)
    def view() -> None:
        job.touch()
        jpeg, step = job.frame_jpeg(), job.step
        if jpeg:
            # Inside the page, not as a file: the next one would take its place before the browser had fetched it.
            st.image(address(jpeg), alt=t("live.picture"))
        st.progress(0.0 if step is None else min(1.0, step.done / max(1, step.total)), text=_status(job))
        if watching and not job.active:
            st.rerun()

    view()


def _status(job: Job) -> str:
    """How far a job is, in words."""
    step = job.step
    if job.position:
        return t("live.waiting", position=job.position)
    if step is None:
        return t("live.starting")
    parts = [t("live.step", done=step.done, total=step.total)]
    if job.steps_per_second is not None:
        parts.append(t("live.rate", rate=f"{job.steps_per_second:.3g}"))
    if job.seconds_left is not None:
        minutes, seconds = divmod(round(job.seconds_left), 60)
        parts.append(t("live.left", time=f"{minutes}:{seconds:02d}"))
    if job.people > 1:
        parts.append(t("live.shared", others=job.people - 1))
    return " · ".join(parts)
