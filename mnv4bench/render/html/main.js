// Puts the page together.
const TITLE = document.title;

function buildTheme() {
  let kept = 'auto';
  try { kept = localStorage.getItem('mnv4bench-theme') || 'auto'; } catch { /* a file may not keep anything */ }
  const apply = value => {
    if (value === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = value;
    drawChips();
    redrawCharts();
  };
  for (const input of document.querySelectorAll('#theme input')) {
    input.checked = input.value === kept;
    input.addEventListener('change', () => {
      try { localStorage.setItem('mnv4bench-theme', input.value); } catch { /* as above */ }
      apply(input.value);
    });
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { drawChips(); redrawCharts(); });
  // Paper is white.
  addEventListener('beforeprint', () => { printing = true; document.documentElement.classList.add('printing'); drawChips(); redrawCharts(); });
  addEventListener('afterprint', () => { printing = false; document.documentElement.classList.remove('printing'); drawChips(); redrawCharts(); });
  apply(['light', 'dark'].includes(kept) ? kept : 'auto');
}

byId('about').textContent = DATA.about.lines.join(' · ');
byId('made').textContent = 'Made by mnv4bench ' + DATA.about.version + '. Charts: Apache ECharts. This file asks for nothing on the network.';
buildFilters();
buildTheme();
buildMeasurements();
buildHistory();
drawKeys();
onFilter.push(drawFronts, drawDevices, drawMeasurements, drawHistory);
byId('more-panels').addEventListener('click', () => { panelsShown += PANELS_AT_ONCE; drawFronts(); });
changed();
addEventListener('hashchange', route);
if (location.hash) route();
document.documentElement.dataset.ready = 'yes';
