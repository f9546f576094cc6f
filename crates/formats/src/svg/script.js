// Zooms into a clicked frame and marks frames by name. Everything it needs is in the drawing.
(() => {
  const WIDTH = 1200, CHARACTER = 6.7;
  const note = document.getElementById('note');
  const said = note.textContent;
  const frames = [...document.querySelectorAll('#frames > g')].map((group) => {
    const rect = group.querySelector('rect'), text = group.querySelector('text');
    const name = group.querySelector('title').textContent.split('\n')[0];
    const [x, y, width] = ['x', 'y', 'width'].map((key) => +rect.getAttribute(key));
    return { group, rect, text, name, x, y, width };
  });
  const zoom = (to) => {
    const scale = WIDTH / to.width;
    for (const frame of frames) {
      const above = frame.y < to.y && frame.x <= to.x + 0.01 && frame.x + frame.width >= to.x + to.width - 0.01;
      const inside = frame.y >= to.y && frame.x >= to.x - 0.01 && frame.x + frame.width <= to.x + to.width + 0.01;
      frame.group.style.display = above || inside ? '' : 'none';
      frame.group.classList.toggle('above', above);
      const x = above ? 0 : (frame.x - to.x) * scale, width = above ? WIDTH : frame.width * scale;
      frame.rect.setAttribute('x', x);
      frame.rect.setAttribute('width', Math.max(width, 0));
      frame.text.setAttribute('x', x + 3);
      const room = Math.floor((width - 6) / CHARACTER);
      frame.text.textContent =
        frame.name.length <= room ? frame.name : room < 3 ? '' : frame.name.slice(0, room - 1) + '…';
    }
  };
  const find = () => {
    const wanted = prompt('Mark functions whose name contains:', '');
    if (wanted === null) return;
    const low = wanted.toLowerCase();
    const found = frames.filter((frame) => low && frame.name.toLowerCase().includes(low));
    for (const frame of frames) frame.group.classList.toggle('found', found.includes(frame));
    // Of frames that lie one below the other, the outermost counts.
    const outer = found.filter((frame) => !found.some((other) => other.y < frame.y && other.x <= frame.x + 0.01 &&
      other.x + other.width >= frame.x + frame.width - 0.01));
    const share = outer.reduce((sum, frame) => sum + frame.width, 0) / WIDTH;
    note.textContent = low ? `${wanted}: ${(100 * share).toFixed(2)} %` : said;
  };
  for (const frame of frames) frame.group.addEventListener('click', () => zoom(frame));
  document.getElementById('reset').addEventListener('click', () => frames.length && zoom(frames[0]));
  document.getElementById('find').addEventListener('click', find);
  addEventListener('keydown', (event) => {
    if (event.key === 'f' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      find();
    }
  });
})();
