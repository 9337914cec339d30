// One model's page: everything that was measured of it, with its evidence.
const ENTRIES_AT_ONCE = 8;

function pairs(list) {
  return make('dl', {class: 'facts'}, list.map(([name, value]) => make('div', {class: value.length > 44 ? 'wide' : null}, make('dt', {}, name), make('dd', {}, value))));
}
function entry(point) {
  const group = GROUPS[point.group];
  const detail = point.detail >= 0 ? DETAILS[point.detail] : null;
  const parts = [make('header', {}, make('h3', {}, clipped(point.device), make('span', {class: 'precision'}, point.precision)), originBadge(point.origin)),
    make('p', {class: 'muted small'}, group.origin === 'published' ? 'Published in ' + group.environment : group.machine),
    make('p', {class: 'figures'}, make('b', {}, point.cost || 'no figure'), point.spread ? ' ' + point.spread : '', point.accuracy ? ' at ' + point.accuracy + ' top-1' : '',
      ' ', make('span', {class: 'place s' + point.status}, STATUS[point.status]), point.shareText ? ' in ' + point.shareText + ' of resamples' : '')];
  const notes = markedNote(point);
  if (notes) parts.push(make('p', {class: 'small told'}, notes));
  if (!detail) {
    parts.push(make('p', {class: 'small muted'}, 'A printed figure: there are no invocations behind it to look at.'));
    return make('article', {class: 'panel entry'}, parts);
  }
  if (detail.taints.length) parts.push(make('div', {class: 'warning'}, make('strong', {}, 'Not fit to compare'), make('ul', {}, detail.taints.map(reason => make('li', {}, text(reason))))));
  if (detail.steps) {
    parts.push(make('h4', {}, 'Invocations'));
    const chart = timeLine(point, detail);
    chart.place.classList.add('low');
    parts.push(chart.place);
    if (detail.steps === 1) parts.push(make('p', {class: 'small muted'}, 'A single invocation: nothing can be said of its spread.'));
    if (!DATA.about.stretches) parts.push(make('p', {class: 'small muted'}, 'Medians alone: of so many reports the course within an invocation is left out. A report of fewer has it.'));
    parts.push(stepTable(detail));
  }
  if (detail.sustained.length) {
    parts.push(make('h4', {}, 'Back to back'));
    const chart = sustainedChart(point, detail);
    chart.place.classList.add('low');
    parts.push(chart.place);
  }
  parts.push(make('h4', {}, 'Where it ran'), make('p', {}, detail.unit));
  if (detail.signals.length) {
    parts.push(make('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Evidence of placement'}, make('table', {},
      make('thead', {}, make('tr', {}, ['Signal', 'What was read', 'Says'].map(title => make('th', {scope: 'col'}, title)))),
      make('tbody', {}, detail.signals.map(signal => make('tr', {}, make('th', {scope: 'row'}, text(signal[0])), make('td', {class: 'evidence'}, text(signal[1])), make('td', {}, text(signal[2]))))))));
  }
  const words = list => list.map(([name, value]) => [text(name), text(value)]);
  parts.push(make('h4', {}, 'Figures and file'), pairs(factsOf(detail)));
  const setting = DATA.settings[detail.setting];
  if (setting) {
    parts.push(make('details', {}, make('summary', {}, 'Environment and report'), pairs(words(setting.about)), pairs(words(setting.environment)),
      setting.notes.length ? make('ul', {class: 'small'}, setting.notes.map(note => make('li', {}, text(note)))) : null));
  }
  return make('article', {class: 'panel entry'}, parts);
}

function drawModel(name) {
  const home = byId('model');
  const found = POINTS.filter(point => point.model === name);
  const title = make('h2', {tabindex: '-1'}, name);
  const list = make('div', {class: 'panels entries'});
  const more = make('button', {type: 'button'});
  let shown = 0;
  const grow = () => {
    list.append(...found.slice(shown, shown + ENTRIES_AT_ONCE).map(entry));
    shown = Math.min(found.length, shown + ENTRIES_AT_ONCE);
    more.hidden = shown >= found.length;
    more.textContent = 'Show more of ' + plural(found.length - shown, 'entry', 'entries');
  };
  more.addEventListener('click', grow);
  home.replaceChildren(make('nav', {'aria-label': 'Back'}, make('a', {href: '#measurements'}, '← All models')), title,
    found.length ? make('p', {class: 'muted'}, clipped(found[0].family) + ', ' + plural(found.length, 'entry', 'entries') + '. Filters do not apply here.')
      : make('p', {class: 'empty'}, 'Nothing in this report has that name.'), list, more);
  grow();
  return title;
}

let came = null, opener = null;  // where a reader was before opening a model, and what opened it
function route() {
  const hash = location.hash;
  const opened = hash.startsWith('#model=');
  const home = byId('model');
  if (opened && byId('overview').hidden === false) { came = window.scrollY; opener = document.activeElement; }
  home.querySelectorAll('.chart').forEach(place => place.chart.sleep());
  byId('overview').hidden = opened;
  home.hidden = !opened;
  if (!opened) {
    home.replaceChildren();
    document.title = TITLE;
    const target = hash.length > 1 ? document.getElementById(hash.slice(1)) : null;
    if (came !== null) {
      window.scrollTo(0, came);
      if (opener && opener.isConnected && opener !== document.body) opener.focus({preventScroll: true});
      came = null;
    }
    else if (target) target.scrollIntoView();
    return;
  }
  let name = '';
  try { name = decodeURIComponent(hash.slice('#model='.length)); } catch { /* a damaged link names nothing */ }
  const title = drawModel(name);
  document.title = name + ' - mnv4bench';
  window.scrollTo(0, 0);
  title.focus();
}
