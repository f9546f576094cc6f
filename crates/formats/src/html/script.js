// Draws the flame graph on a canvas and fills the table. The data are columns in pre-order, node 0
// the root; names are drawn or set as text, never parsed as markup.
(() => {
  const ROW = 18, MAX_ROWS = 500;
  const at = (id) => document.getElementById(id);
  const profiles = JSON.parse(at('data').textContent);
  const canvas = at('flame'), context = canvas.getContext('2d');
  let profile, left, depth, depths, zoom = 0, hovered = -1, wanted = '', boxes = [], sort = 'self';

  const amount = (value) => profile.unit !== 'nanoseconds' ? `${value} samples`
    : value < 1e9 ? `${(value / 1e6).toFixed(1)} ms` : `${(value / 1e9).toFixed(2)} s`;
  const percent = (value) => `${(100 * value / (profile.total || 1)).toFixed(2)} %`;
  const functionOf = (node) => profile.functions[profile.nodes.function[node]];
  const place = (one) => one.file ? `${one.file}:${one.line}` : '';
  const matches = (one) => wanted && `${one.name} ${one.file}`.toLowerCase().includes(wanted);

  const show = (index) => {
    profile = profiles[index];
    const { parent, total } = profile.nodes;
    left = new Float64Array(parent.length);
    depths = new Uint16Array(parent.length);
    const next = new Float64Array(parent.length);
    depth = 0;
    for (let node = 1; node < parent.length; node++) {
      const above = parent[node];
      left[node] = next[node] = next[above];
      next[above] += total[node];
      depths[node] = depths[above] + 1;
      depth = Math.max(depth, depths[node]);
    }
    zoom = 0;
    at('about').textContent = `${profile.name}: ${amount(profile.total)}, ${profile.samples} samples`;
    draw();
    fill();
  };

  const draw = () => {
    const style = getComputedStyle(document.documentElement), ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth, height = (depth + 1) * ROW;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.height = `${height}px`;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.font = '11px ui-monospace, monospace';
    context.textBaseline = 'middle';
    boxes = [];
    if (!profile.total) return;
    const colour = (name) => style.getPropertyValue(`--${name}`);
    const colours = { app: colour('app'), lib: colour('lib'), other: colour('other') };
    const { parent, total } = profile.nodes;
    const ancestors = new Set();
    for (let node = zoom; node > 0; node = parent[node]) ancestors.add(parent[node]);
    const scale = width / total[zoom], from = left[zoom], until = from + total[zoom];
    for (let node = 0; node < parent.length; node++) {
      const isAncestor = ancestors.has(node);
      const inside = left[node] >= from && left[node] + total[node] <= until && depths[node] >= depths[zoom];
      if (!isAncestor && !inside) continue;
      const x = isAncestor ? 0 : (left[node] - from) * scale;
      const w = isAncestor ? width : total[node] * scale;
      if (w < 0.5) continue;
      const y = depths[node] * ROW, one = functionOf(node);
      boxes.push({ node, x, y, w });
      context.globalAlpha = isAncestor ? 0.5 : 1;
      context.fillStyle = matches(one) ? colour('mark') : colours[profile.classes[profile.nodes.function[node]]];
      context.fillRect(x, y, Math.max(w - 1, 0.5), ROW - 1);
      if (w > 24) {
        const room = Math.floor((w - 8) / 6.7);
        context.fillStyle = colour('text');
        context.fillText(one.name.length > room ? `${one.name.slice(0, room - 1)}…` : one.name, x + 4, y + ROW / 2);
      }
      if (node === hovered) {
        context.strokeStyle = colour('fg');
        context.strokeRect(x + 0.5, y + 0.5, w - 2, ROW - 2);
      }
    }
    context.globalAlpha = 1;
  };

  // Self and total per function; a recursive function's total counts once.
  const sums = () => {
    const rows = profile.functions.map((one) => ({ ...one, self: 0, total: 0, open: 0 }));
    const path = [], { parent, total, self } = profile.nodes;
    for (let node = 0; node < parent.length; node++) {
      while (path.length && path[path.length - 1] !== parent[node]) rows[profile.nodes.function[path.pop()]].open--;
      const row = rows[profile.nodes.function[node]];
      row.self += self[node];
      if (!row.open) row.total += total[node];
      row.open++;
      path.push(node);
    }
    return rows.filter((row, index) => index > 0 && row.total);
  };

  const fill = () => {
    const rows = sums().filter((row) => !wanted || matches(row));
    const order = sort === 'name' || sort === 'file'
      ? (one, other) => (one[sort] < other[sort] ? -1 : 1) : (one, other) => other[sort] - one[sort];
    rows.sort(order);
    const lines = rows.slice(0, MAX_ROWS).map((row) => {
      const line = document.createElement('tr');
      const cells = [`${percent(row.self)}  ${amount(row.self)}`, `${percent(row.total)}  ${amount(row.total)}`, row.name, place(row)];
      for (const text of cells) line.appendChild(document.createElement('td')).textContent = text;
      return line;
    });
    at('rows').replaceChildren(...lines);
    for (const head of document.querySelectorAll('th')) {
      if (head.dataset.key === sort) head.setAttribute('aria-sort', 'descending');
      else head.removeAttribute('aria-sort');
    }
    at('status').textContent = rows.length > MAX_ROWS ? `${MAX_ROWS} of ${rows.length} functions` : '';
  };

  const under = (event) => {
    const x = event.offsetX, y = event.offsetY;
    const box = boxes.find((one) => x >= one.x && x < one.x + one.w && y >= one.y && y < one.y + ROW);
    return box ? box.node : -1;
  };
  const zoomTo = (node) => {
    zoom = node < 0 ? 0 : node;
    draw();
  };
  canvas.addEventListener('mousemove', (event) => {
    const node = under(event);
    if (node === hovered) return;
    hovered = node;
    const one = node < 0 ? null : functionOf(node), { total, self } = profile.nodes;
    at('detail').textContent = one
      ? `${one.name}  ${place(one)}  total ${percent(total[node])} ${amount(total[node])}, self ${percent(self[node])} ${amount(self[node])}` : '\u00a0';
    draw();
  });
  canvas.addEventListener('click', (event) => zoomTo(under(event)));
  canvas.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') zoomTo(0);
    if (event.key === 'Backspace') zoomTo(profile.nodes.parent[zoom]);
  });
  at('reset').addEventListener('click', () => zoomTo(0));
  at('search').addEventListener('input', (event) => {
    wanted = event.target.value.toLowerCase();
    draw();
    fill();
  });
  for (const head of document.querySelectorAll('th')) {
    head.addEventListener('click', () => {
      sort = head.dataset.key;
      fill();
    });
  }
  profiles.forEach((one, index) => at('kind').add(new Option(one.name, index)));
  at('kind').addEventListener('change', (event) => show(+event.target.value));
  addEventListener('resize', draw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  show(0);
})();
