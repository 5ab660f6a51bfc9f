// A map of many points: dots drawn by WebGL (or plainly, where no graphics card does it), pictures, threads and lassos on a second canvas.
const views = new WeakMap();
const FIT = 0.92;          // of the shorter side that the whole map takes
const PICK_PX = 14;        // how near the pointer must come to a point
const MORPH_MS = 700;
const ROUND_FROM = 5;      // dots this large are drawn as discs on a plain canvas, px
const LEAST_TILE = 18, MOST_TILE = 84, SHARP_FROM = 48;  // sides of pictures on the map, px
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;  // what draws WebGL where there is no graphics card
let graphicsCard = null;
const ICONS = {
  pan: 'M12 2v20M2 12h20M12 2l-3 3M12 2l3 3M12 22l-3-3M12 22l3-3M2 12l3-3M2 12l3 3M22 12l-3-3M22 12l-3 3',
  box: 'M4 4h16v16H4z',
  lasso: 'M12 4c5 0 9 2.700 9 6s-4 6-9 6-9-2.700-9-6 4-6 9-6zM8 16c-2 1-2 4 0 5',
  pictures: 'M3 5h18v14H3zM3 16l5-5 4 4 3-3 6 6',
  home: 'M4 11l8-7 8 7v9H4z',
};

const VERTEX = `#version 300 es
in vec2 place; in vec4 colour; uniform vec4 view; uniform float size; out vec4 tint;
void main() {
  gl_Position = vec4((place - view.xy) * view.zw, 0.0, 1.0);
  gl_PointSize = size; tint = colour;
  if (isnan(place.x)) gl_Position = vec4(9.0, 9.0, 9.0, 1.0);
}`;
const FRAGMENT = `#version 300 es
precision mediump float; in vec4 tint; out vec4 shown;
void main() {
  float far = length(gl_PointCoord - 0.5) * 2.0;
  float soft = fwidth(far);
  float cover = tint.a * (1.0 - smoothstep(1.0 - soft, 1.0, far));
  shown = vec4(tint.rgb * cover, cover);
}`;

const decode = (text, kind) => new kind(Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer);
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const ease = share => share * share * (3 - 2 * share);

function element(name, style, parent) {
  const made = document.createElement(name);
  made.className = style;
  parent.appendChild(made);
  return made;
}

function build(parent) {
  const root = element('div', 'map', parent);
  const tools = element('div', 'tools', root);
  const stage = element('div', 'stage', root);
  const dots = element('canvas', 'dots', stage), over = element('canvas', 'over', stage);
  const card = element('div', 'card', stage);
  const legend = element('div', 'legend', root);
  const time = element('div', 'time', root);
  const view = { root, tools, stage, dots, over, card, legend, time, mode: 'pan', pictures: false, centre: [0.5, 0.5],
    zoom: 1, hover: -1, path: [], chosen: [], sheets: [], sharp: new Map(), pointers: new Map(), at: 0, drawn: 0 };
  over.tabIndex = 0;
  over.setAttribute('role', 'application');
  view.gl = hasGraphicsCard() ? dots.getContext('webgl2', { antialias: false, premultipliedAlpha: true }) : null;
  if (view.gl) prepare(view);
  view.watch = new ResizeObserver(() => resize(view));
  view.watch.observe(stage);
  listen(view);
  return view;
}

// Without a graphics card WebGL draws on the processor, three times slower than a plain canvas does.
function hasGraphicsCard() {
  if (graphicsCard === null) {
    const gl = document.createElement('canvas').getContext('webgl2', { failIfMajorPerformanceCaveat: true });
    const told = gl && gl.getExtension('WEBGL_debug_renderer_info');
    graphicsCard = Boolean(gl) && !(told && SOFTWARE.test(gl.getParameter(told.UNMASKED_RENDERER_WEBGL)));
    if (gl) gl.getExtension('WEBGL_lose_context')?.loseContext();
  }
  return graphicsCard;
}

function prepare(view) {
  const { gl } = view;
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) { view.gl = null; return; }
  gl.useProgram(program);
  view.uniforms = { view: gl.getUniformLocation(program, 'view'), size: gl.getUniformLocation(program, 'size') };
  view.buffers = {};
  for (const [name, width, kind] of [['place', 2, gl.FLOAT], ['colour', 4, gl.UNSIGNED_BYTE]]) {
    view.buffers[name] = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, view.buffers[name]);
    const at = gl.getAttribLocation(program, name);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, width, kind, kind !== gl.FLOAT, 0, 0);
  }
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
}

function upload(view, name, values) {
  if (!view.gl) return;
  view.gl.bindBuffer(view.gl.ARRAY_BUFFER, view.buffers[name]);
  view.gl.bufferData(view.gl.ARRAY_BUFFER, values, view.gl.DYNAMIC_DRAW);
}

// What is where ------------------------------------------------------------------------------------------------------

function scale(view) { return Math.min(view.width, view.height) * FIT * view.zoom; }

function toScreen(view, x, y) {
  const s = scale(view);
  return [(x - view.centre[0]) * s + view.width / 2, view.height / 2 - (y - view.centre[1]) * s];
}

function toWorld(view, sx, sy) {
  const s = scale(view);
  return [(sx - view.width / 2) / s + view.centre[0], view.centre[1] - (sy - view.height / 2) / s];
}

function pointer(view, event) {
  const box = view.over.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function nearestTo(view, sx, sy, reach) {
  const { places, count } = view;
  let best = -1, least = reach * reach;
  for (let i = 0; i < count; i++) {
    const [x, y] = toScreen(view, places[2 * i], places[2 * i + 1]);
    const far = (x - sx) ** 2 + (y - sy) ** 2;
    if (far < least) { least = far; best = i; }
  }
  return best;
}

function resize(view) {
  const box = view.stage.getBoundingClientRect();
  if (!box.width) return;
  view.width = box.width;
  view.height = box.height;
  view.dense = window.devicePixelRatio || 1;
  for (const canvas of [view.dots, view.over]) {
    canvas.width = Math.round(box.width * view.dense);
    canvas.height = Math.round(box.height * view.dense);
  }
  draw(view);
}

// Frames: the maps of several layers, or the map and the grid -----------------------------------------------------------

function blend(view) {
  const low = Math.min(Math.floor(view.at), view.frames.length - 1), high = Math.min(low + 1, view.frames.length - 1);
  const share = ease(view.at - low), one = view.frames[low].xy, other = view.frames[high].xy, to = view.places;
  if (!share) to.set(one); else for (let i = 0; i < to.length; i++) to[i] = one[i] + (other[i] - one[i]) * share;
  upload(view, 'place', to);
}

function goTo(view, at) {
  view.at = clamp(at, 0, view.frames.length - 1);
  if (view.slider) view.slider.value = view.at;
  blend(view);
  showTime(view);
  draw(view);
}

function travel(view, target) {
  const from = view.at, started = performance.now(), lasts = MORPH_MS * Math.max(1, Math.abs(target - from));
  const journey = view.journey = {};
  const step = now => {
    if (view.journey !== journey) return;
    const share = Math.min(1, (now - started) / lasts);
    goTo(view, from + (target - from) * share);
    if (share < 1) requestAnimationFrame(step); else if (view.playing) setTimeout(() => playOn(view), 500);
  };
  requestAnimationFrame(step);
}

function playOn(view) {
  if (!view.playing) return;
  const next = Math.floor(view.at + 1e-6) + 1;
  if (next < view.frames.length) travel(view, next); else setPlaying(view, false);
}

function setPlaying(view, playing) {
  view.playing = playing;
  view.play.textContent = playing ? '❚❚' : '▶';
  view.play.title = playing ? view.data.texts.pause : view.data.texts.play;
  view.play.setAttribute('aria-label', view.play.title);
  if (!playing) { view.journey = null; return; }
  if (view.at >= view.frames.length - 1) goTo(view, 0);
  playOn(view);
}

function buildTime(view) {
  const { time, frames, data } = view;
  time.replaceChildren();
  view.slider = null;
  if (frames.length < 2) return;
  const bar = element('div', 'bar', time);
  view.play = element('button', 'play', bar);
  view.play.type = 'button';
  view.play.onclick = () => setPlaying(view, !view.playing);
  view.slider = element('input', 'slider', bar);
  Object.assign(view.slider, { type: 'range', min: 0, max: frames.length - 1, step: 0.01, value: view.at });
  view.slider.setAttribute('aria-label', data.texts.frames);
  view.slider.style.margin = `0 calc((100% - 48px) / ${2 * frames.length})`;
  view.slider.oninput = () => { setPlaying(view, false); goTo(view, Number(view.slider.value)); };
  view.slider.onchange = () => travel(view, Math.round(view.at));
  const names = element('div', 'names', time);
  frames.forEach((frame, number) => {
    const name = element('button', '', names);
    name.type = 'button';
    name.textContent = frame.name;
    name.onclick = () => { setPlaying(view, false); travel(view, number); };
  });
  if (data.curve) buildCurve(view);
  setPlaying(view, false);
}

function buildCurve(view) {
  const { curve, texts } = view.data, last = curve.length - 1, highest = Math.max(0.1, ...curve);
  const figure = element('figure', '', view.time);
  const points = curve.map((value, number) => `${(number + 0.5) / (last + 1) * 1000},${100 - 100 * value / highest}`).join(' ');
  figure.innerHTML = '<svg viewBox="0 -6 1000 112" preserveAspectRatio="none" role="img"><polyline class="curve"/>' +
    '<line class="now" y1="-6" y2="106"/></svg><div class="values"></div><figcaption></figcaption>';
  figure.querySelector('polyline').setAttribute('points', points);
  figure.querySelector('svg').setAttribute('aria-label', texts.curve);
  figure.querySelector('figcaption').textContent = texts.curve;
  for (const value of curve) element('span', '', figure.querySelector('.values')).textContent = Math.round(100 * value) + ' %';
}

function showTime(view) {
  const now = Math.round(view.at);
  [...view.time.querySelectorAll('.names button')].forEach((name, number) => name.setAttribute('aria-pressed', number === now));
  const line = view.time.querySelector('.now');
  if (line) {
    const x = (view.at + 0.5) / view.frames.length * 1000;
    line.setAttribute('x1', x);
    line.setAttribute('x2', x);
  }
}

// Drawing ----------------------------------------------------------------------------------------------------------------

function draw(view) {
  if (view.asked || !view.width || !view.data) return;
  view.asked = true;
  requestAnimationFrame(() => { view.asked = false; if (view.width && view.root.isConnected) paint(view); });
}

function paint(view) {
  const pen = view.over.getContext('2d');
  pen.setTransform(view.dense, 0, 0, view.dense, 0, 0);
  pen.clearRect(0, 0, view.width, view.height);
  paintDots(view);
  paintPictures(view, pen);
  paintDropped(view, pen);
  paintHover(view, pen);
  paintPath(view, pen);
  view.drawn += 1;
  view.root.dataset.drawn = view.drawn;
  view.root.dataset.zoom = view.zoom.toFixed(3);
}

const dotSize = view => clamp((view.count > 5000 ? 3.5 : 6) * view.zoom ** 0.35, 3, 13);

function paintDots(view) {
  const { gl, width, height } = view, s = scale(view), size = dotSize(view);
  if (gl) {
    gl.viewport(0, 0, view.dots.width, view.dots.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform4f(view.uniforms.view, view.centre[0], view.centre[1], 2 * s / width, 2 * s / height);
    gl.uniform1f(view.uniforms.size, size * view.dense);
    gl.drawArrays(gl.POINTS, 0, view.count);
    return;
  }
  const pen = view.dots.getContext('2d');
  pen.setTransform(view.dense, 0, 0, view.dense, 0, 0);
  pen.clearRect(0, 0, width, height);
  let last = -1;
  for (let i = 0; i < view.count; i++) {
    const [x, y] = toScreen(view, view.places[2 * i], view.places[2 * i + 1]);
    if (!(x > -size && y > -size && x < width + size && y < height + size)) continue;
    const style = view.tints[4 * i] | view.tints[4 * i + 1] << 8 | view.tints[4 * i + 2] << 16 | view.tints[4 * i + 3] << 24;
    if (style !== last) {
      const [r, g, b, a] = view.tints.subarray(4 * i, 4 * i + 4);
      pen.fillStyle = `rgba(${r},${g},${b},${a / 255})`;
      last = style;
    }
    if (size < ROUND_FROM) pen.fillRect(x - size / 2, y - size / 2, size, size);
    else { pen.beginPath(); pen.arc(x, y, size / 2, 0, 7); pen.fill(); }
  }
}

function look(view, pen, i, x, y, side) {
  const { data } = view, sheet = view.sheets[Math.floor(i / data.per_sheet)];
  const sharp = side >= SHARP_FROM ? sharpPicture(view, i) : null;
  if (sharp && sharp.ready) { pen.drawImage(sharp.image, x, y, side, side); return true; }
  if (!sheet || !sheet.complete || !sheet.naturalWidth) return false;
  const place = i % data.per_sheet, columns = data.columns, own = data.look;
  pen.drawImage(sheet, place % columns * own, Math.floor(place / columns) * own, own, own, x, y, side, side);
  return true;
}

function sharpPicture(view, i) {
  if (!view.data.sharp) return null;
  let kept = view.sharp.get(i);
  if (!kept) {
    if (view.sharp.size > 400) view.sharp.clear();
    kept = { image: new Image(), ready: false };
    kept.image.onload = () => { kept.ready = true; draw(view); };
    kept.image.src = new URL(view.data.sharp + view.members[i], document.location.href);
    view.sharp.set(i, kept);
  }
  return kept;
}

function paintPictures(view, pen) {
  const { places, count, width, height } = view;
  const frame = view.frames[Math.round(view.at)], settled = Math.abs(view.at - Math.round(view.at)) < 0.02;
  const cell = settled && frame.cell ? frame.cell * scale(view) : 0;
  const within = [];
  for (let i = 0; i < count; i++) {
    const [x, y] = toScreen(view, places[2 * i], places[2 * i + 1]);
    if (x > -MOST_TILE && y > -MOST_TILE && x < width + MOST_TILE && y < height + MOST_TILE) within.push([i, x, y]);
  }
  const room = 0.8 * Math.sqrt(width * height / Math.max(1, within.length));
  let tile = clamp(room, LEAST_TILE, MOST_TILE);
  if (cell) tile = 0.96 * cell;
  else if (!view.pictures && room < LEAST_TILE) return;
  view.tile = tile;
  const taken = new Set();
  pen.imageSmoothingQuality = 'high';
  for (const [i, x, y] of within) {
    if (view.tints[4 * i + 3] < 90) continue;
    if (!cell) {
      const column = Math.floor(x / (0.8 * tile)), row = Math.floor(y / (0.8 * tile)), key = row * 4096 + column;
      if (taken.has(key)) continue;
      taken.add(key);
    }
    if (!look(view, pen, i, x - tile / 2, y - tile / 2, tile)) continue;
    if (tile < LEAST_TILE) continue;
    pen.strokeStyle = `rgb(${view.tints[4 * i]},${view.tints[4 * i + 1]},${view.tints[4 * i + 2]})`;
    pen.lineWidth = clamp(tile / 24, 1, 2.5);
    pen.strokeRect(x - tile / 2, y - tile / 2, tile, tile);
  }
}

function paintDropped(view, pen) {
  for (const one of view.dropped) {
    if (view.at > one.xy.length - 1 + 0.01) continue;
    const low = Math.min(Math.floor(view.at), one.xy.length - 1), high = Math.min(low + 1, one.xy.length - 1);
    const share = ease(view.at - low), from = one.xy[low], to = one.xy[high];
    const [x, y] = toScreen(view, from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share);
    const side = 34, top = y - side - 12;
    pen.fillStyle = pen.strokeStyle = view.accent;
    pen.lineWidth = 3;
    pen.beginPath();
    pen.moveTo(x - 6, top + side); pen.lineTo(x, y); pen.lineTo(x + 6, top + side);
    pen.fill();
    if (one.image.complete && one.image.naturalWidth) pen.drawImage(one.image, x - side / 2, top, side, side);
    pen.strokeRect(x - side / 2, top, side, side);
    one.at = [x, y, side];
  }
}

function paintHover(view, pen) {
  const i = view.hover;
  if (i < 0) return;
  const { places, links } = view, [x, y] = toScreen(view, places[2 * i], places[2 * i + 1]);
  pen.strokeStyle = view.accent;
  pen.lineWidth = 1.4;
  for (let n = 0; n < view.reach; n++) {
    const other = links[i * view.reach + n];
    const [ox, oy] = toScreen(view, places[2 * other], places[2 * other + 1]);
    if (Number.isNaN(ox)) continue;
    pen.beginPath(); pen.moveTo(x, y); pen.lineTo(ox, oy); pen.stroke();
    pen.beginPath(); pen.arc(ox, oy, 5, 0, 7); pen.stroke();
  }
  pen.lineWidth = 3;
  pen.beginPath(); pen.arc(x, y, 9, 0, 7); pen.stroke();
}

function paintPath(view, pen) {
  if (view.path.length < 2) return;
  pen.beginPath();
  view.path.forEach(([x, y], n) => n ? pen.lineTo(x, y) : pen.moveTo(x, y));
  pen.closePath();
  pen.strokeStyle = view.accent;
  pen.lineWidth = 1.5;
  pen.setLineDash([5, 4]);
  pen.stroke();
  pen.setLineDash([]);
  pen.globalAlpha = 0.12; pen.fillStyle = view.accent; pen.fill(); pen.globalAlpha = 1;
}

// The card of the point under the pointer ------------------------------------------------------------------------------

function showCard(view) {
  const { card, data, hover: i } = view;
  if (i < 0) { card.style.display = 'none'; return; }
  card.replaceChildren();
  const picture = element('canvas', 'picture', card);
  picture.width = picture.height = 112;
  look(view, picture.getContext('2d'), i, 0, 0, 112);
  const sharp = sharpPicture(view, i);
  if (sharp && !sharp.ready) sharp.image.addEventListener('load', () => look(view, picture.getContext('2d'), i, 0, 0, 112));
  const words = element('div', 'words', card);
  const label = data.labels[view.label_of[i]];
  element('b', '', words).textContent = label;
  if (data.titles[i] && data.titles[i] !== label) element('span', '', words).textContent = data.titles[i];
  if (data.notes.length) element('span', '', words).textContent = data.notes[i];
  if (view.reach) {
    element('span', 'faint', words).textContent = data.texts.neighbours;
    const row = element('canvas', 'row', words);
    const shown = Math.min(6, view.reach), side = 24;
    row.width = shown * (side + 2);
    row.height = side;
    for (let n = 0; n < shown; n++) look(view, row.getContext('2d'), view.links[i * view.reach + n], n * (side + 2), 0, side);
  }
  card.style.display = 'flex';
  const [x, y] = toScreen(view, view.places[2 * i], view.places[2 * i + 1]);
  const box = card.getBoundingClientRect(), above = y - box.height - 16;
  card.style.left = clamp(x - box.width / 2, 4, Math.max(4, view.width - box.width - 4)) + 'px';
  card.style.top = (above > 2 ? above : Math.min(y + 18, view.height - box.height - 4)) + 'px';
  view.root.dataset.card = i;
}

function setHover(view, i) {
  if (i === view.hover) return;
  view.hover = i;
  showCard(view);
  draw(view);
}

// Choosing -----------------------------------------------------------------------------------------------------------------

function choose(view, indices) {
  view.chosen = indices;
  tint(view);
  view.report('chosen', indices);
  draw(view);
}

function inside(polygon, x, y) {
  let odd = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i], [xj, yj] = polygon[j];
    if ((yi > y) !== (yj > y) && x < (xj - xi) * (y - yi) / (yj - yi) + xi) odd = !odd;
  }
  return odd;
}

function chooseWithin(view) {
  const found = [];
  for (let i = 0; i < view.count; i++) {
    const [x, y] = toScreen(view, view.places[2 * i], view.places[2 * i + 1]);
    if (inside(view.path, x, y)) found.push(i);
  }
  view.path = [];
  choose(view, found);
}

function tint(view) {
  const { codes, palette, count } = view, some = view.chosen.length || view.marked.length;
  const bright = new Uint8Array(count).fill(some ? 0 : 1);
  for (const i of view.chosen.length ? view.chosen : view.marked) bright[i] = 1;
  for (let i = 0; i < count; i++) {
    view.tints.set(palette[codes[i]] || [128, 128, 128], 4 * i);
    view.tints[4 * i + 3] = bright[i] ? 225 : 38;
  }
  upload(view, 'colour', view.tints);
}

// Pointer, wheel, keyboard -------------------------------------------------------------------------------------------------

function zoomBy(view, factor, sx, sy) {
  const [x, y] = toWorld(view, sx, sy);
  view.zoom = clamp(view.zoom * factor, 0.5, 400);
  const [nx, ny] = toWorld(view, sx, sy);
  view.centre = [view.centre[0] + x - nx, view.centre[1] + y - ny];
  showCard(view);
  draw(view);
}

function moveBy(view, dx, dy) {
  const s = scale(view);
  view.centre = [view.centre[0] - dx / s, view.centre[1] + dy / s];
  draw(view);
}

function listen(view) {
  const { over, pointers } = view;
  over.onwheel = event => {
    event.preventDefault();
    zoomBy(view, Math.exp(-clamp(event.deltaY, -240, 240) / 400), ...pointer(view, event));
  };
  over.onpointerdown = event => {
    over.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, pointer(view, event));
    view.moved = 0;
    if (view.mode !== 'pan') view.path = [pointer(view, event)];
    setHover(view, -1);
  };
  over.onpointermove = event => {
    const at = pointer(view, event), before = pointers.get(event.pointerId);
    if (!before) { setHover(view, nearestTo(view, ...at, Math.max(PICK_PX, view.tile ? view.tile / 2 : 0))); return; }
    view.moved += Math.hypot(at[0] - before[0], at[1] - before[1]);
    if (pointers.size === 2) pinch(view, event.pointerId, before, at);
    else if (view.mode === 'pan') moveBy(view, at[0] - before[0], at[1] - before[1]);
    else if (view.mode === 'lasso') view.path.push(at);
    else view.path = [view.path[0], [at[0], view.path[0][1]], at, [view.path[0][0], at[1]]];
    pointers.set(event.pointerId, at);
    draw(view);
  };
  over.onpointerup = event => {
    pointers.delete(event.pointerId);
    if (view.mode !== 'pan' && view.path.length > 2) chooseWithin(view);
    else if (view.moved < 4) {
      const found = nearestTo(view, ...pointer(view, event), PICK_PX);
      if (event.pointerType === 'touch') setHover(view, found);
      else if (view.chosen.length && found < 0) choose(view, []);
      else if (found >= 0) choose(view, [found, ...view.links.subarray(found * view.reach, (found + 1) * view.reach)]);
    }
    view.path = [];
    draw(view);
  };
  over.onpointercancel = event => { pointers.delete(event.pointerId); view.path = []; draw(view); };
  over.onpointerleave = () => { if (!pointers.size) setHover(view, -1); };
  over.onkeydown = event => {
    const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    const middle = [view.width / 2, view.height / 2];
    if (moves[event.key]) moveBy(view, ...moves[event.key]);
    else if (event.key === '+' || event.key === '=') zoomBy(view, 1.4, ...middle);
    else if (event.key === '-') zoomBy(view, 1 / 1.4, ...middle);
    else if (event.key === '0') goHome(view);
    else if (event.key === 'Escape') choose(view, []);
    else return;
    event.preventDefault();
  };
}

function pinch(view, id, before, at) {
  const [[, other]] = [...view.pointers].filter(([name]) => name !== id);
  const was = Math.hypot(before[0] - other[0], before[1] - other[1]), is = Math.hypot(at[0] - other[0], at[1] - other[1]);
  zoomBy(view, is / Math.max(1, was), (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
}

function goHome(view) {
  Object.assign(view, { centre: [0.5, 0.5], zoom: 1 });
  showCard(view);
  draw(view);
}

// Tools and legend -------------------------------------------------------------------------------------------------------

function buildTools(view) {
  const { texts } = view.data;
  view.tools.replaceChildren();
  const add = (name, pressed, act) => {
    const button = element('button', '', view.tools);
    button.type = 'button';
    button.title = texts[name];
    button.dataset.tool = name;
    button.setAttribute('aria-label', texts[name]);
    if (pressed !== null) button.setAttribute('aria-pressed', pressed);
    button.innerHTML = `<svg viewBox="0 0 24 24"><path d="${ICONS[name]}"/></svg>`;
    button.onclick = () => { act(); buildTools(view); draw(view); };
  };
  for (const mode of ['pan', 'box', 'lasso']) add(mode, view.mode === mode, () => { view.mode = mode; });
  add('pictures', view.pictures, () => { view.pictures = !view.pictures; });
  add('home', null, () => goHome(view));
  element('span', 'hint', view.tools).textContent = texts[`hint_${view.mode}`];
  view.over.style.cursor = view.mode === 'pan' ? 'grab' : 'crosshair';
}

function buildLegend(view) {
  const { legend, data: { key } } = view;
  legend.replaceChildren();
  if (!key) return;
  if (key.names) key.names.forEach((name, number) => {
    const entry = element('span', 'entry', legend);
    element('i', '', entry).style.background = view.data.palette[number];
    entry.append(name);
  });
  else {
    element('span', '', legend).textContent = key.low;
    element('i', 'scale', legend).style.background = `linear-gradient(90deg, ${view.data.palette.join(',')})`;
    element('span', '', legend).textContent = key.high;
  }
}

// Taking in what Python says --------------------------------------------------------------------------------------------

function take(view, data) {
  const fresh = !view.data || view.data.id !== data.id;
  const before = fresh || view.count !== data.count ? null : view.places.slice();
  const changed = name => fresh || JSON.stringify(view.data[name]) !== JSON.stringify(data[name]);
  const news = { frames: changed('frames'), sheets: changed('sheets'), time: changed('frames') || changed('texts') };
  view.data = data;
  view.count = data.count;
  view.palette = data.palette.map(colour => [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16)));
  view.codes = decode(data.codes, Uint16Array);
  view.label_of = decode(data.label_of, Uint16Array);
  view.members = decode(data.members, Int32Array);
  view.links = decode(data.links, Int32Array);
  view.reach = view.links.length / Math.max(1, data.count);
  view.marked = [...decode(data.marked, Int32Array)];
  view.tints = new Uint8Array(4 * data.count);
  view.dropped = data.dropped.map(one => {
    const image = new Image();
    image.onload = () => draw(view);
    image.src = one.src;
    return { ...one, image };
  });
  const style = getComputedStyle(view.root);
  view.accent = style.getPropertyValue('--st-primary-color').trim() || '#d1660a';
  view.over.setAttribute('aria-label', data.texts.alt);
  if (fresh) Object.assign(view, { chosen: [], hover: -1, centre: [0.5, 0.5], zoom: 1, at: data.at || 0, sharp: new Map() });
  if (news.sheets) view.sheets = data.sheets.map(source => {
    const image = new Image();
    image.onload = () => draw(view);
    image.src = source.startsWith('data:') ? source : new URL(source, document.location.href);
    return image;
  });
  if (news.frames) {
    view.frames = data.frames.map(frame => ({ ...frame, xy: decode(frame.xy, Float32Array) }));
    view.places = new Float32Array(2 * data.count);
    goTo(view, Math.min(view.at, view.frames.length - 1));
    if (before) morph(view, before);
  }
  if (news.time) buildTime(view);
  tint(view);
  buildTools(view);
  buildLegend(view);
  showTime(view);
  showCard(view);
  draw(view);
}

function morph(view, from) {
  const to = view.places.slice(), started = performance.now();
  const step = now => {
    const share = ease(Math.min(1, (now - started) / MORPH_MS));
    for (let i = 0; i < to.length; i++) view.places[i] = from[i] + (to[i] - from[i]) * share;
    upload(view, 'place', view.places);
    draw(view);
    if (share < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

export default function ({ data, parentElement, setStateValue }) {
  let view = views.get(parentElement);
  if (!view) {
    view = build(parentElement);
    views.set(parentElement, view);
  }
  view.report = setStateValue;
  view.stage.style.height = `min(${data.height}px, 110vw)`;
  take(view, data);
  if (!view.width) resize(view);
  return () => {
    view.watch.disconnect();
    const lose = view.gl && view.gl.getExtension('WEBGL_lose_context');
    if (lose) lose.loseContext();
    view.root.remove();
    views.delete(parentElement);
  };
}
