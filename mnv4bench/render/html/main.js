// Puts the page together.
const TITLE = document.title;

function buildTheme() {
  let kept = 'auto';
  try { kept = localStorage.getItem('mnv4bench-theme') || 'auto'; } catch { /* a file may not keep anything */ }
  const apply = value => {
    if (value === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = value;
    drawChips();
    drawKeys();
    redrawCharts();
  };
  for (const input of document.querySelectorAll('#theme input')) {
    input.checked = input.value === kept;
    input.addEventListener('change', () => {
      try { localStorage.setItem('mnv4bench-theme', input.value); } catch { /* as above */ }
      apply(input.value);
    });
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { drawChips(); drawKeys(); redrawCharts(); });
  addEventListener('beforeprint', toPaper);
  addEventListener('afterprint', fromPaper);
  matchMedia('print').addEventListener('change', event => { if (event.matches) toPaper(); else fromPaper(); });
  apply(['light', 'dark'].includes(kept) ? kept : 'auto');
}

byId('about').textContent = DATA.about.lines.join(' · ');
byId('made').textContent = 'Made by mnv4bench ' + DATA.about.version + '. Charts: Apache ECharts. This file asks for nothing on the network.';
buildFilters();
buildTheme();
buildPicks();
buildMeasurements();
buildHistory();
onFilter.push(drawKeys, drawPicks, drawFronts, drawDevices, drawMeasurements, drawHistory);
byId('more-panels').addEventListener('click', () => { panelsShown += PANELS_AT_ONCE; drawFronts(); });
changed();
// What a link leads to begins below the filters, which stay at the top where there is room for them.
new ResizeObserver(() => {
  const bar = byId('filters');
  const height = getComputedStyle(bar).position === 'sticky' ? bar.offsetHeight : 0;
  document.documentElement.style.scrollPaddingTop = height + 8 + 'px';
}).observe(byId('filters'));
addEventListener('hashchange', route);
if (location.hash) route();
document.documentElement.dataset.ready = 'yes';
