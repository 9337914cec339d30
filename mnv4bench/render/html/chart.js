// A chart that is drawn when it comes into view, again when the theme or its width changes, and that
// the keyboard reaches: arrows walk its points, plus, minus and 0 zoom.
const charts = new Set();
const watcher = new IntersectionObserver(entries => {
  for (const entry of entries) {
    const chart = entry.target.chart;
    if (entry.isIntersecting) chart.wake(); else if (!printing) chart.sleep();
  }
}, {rootMargin: '400px 0px'});
const resizing = new ResizeObserver(entries => entries.forEach(entry => {
  const chart = entry.target.chart;
  if (chart && chart.live) chart.live.resize();
}));

// given: {label, option(): an ECharts option, walk(): [{series, index, text, open}], zoom: bool}
function makeChart(given) {
  const place = make('div', {class: 'chart', tabindex: '0', role: 'application', 'aria-roledescription': 'chart', 'aria-label': given.label});
  const tools = given.zoom === false ? null : make('div', {class: 'tools'},
    make('button', {type: 'button', 'aria-label': 'Zoom in', title: 'Zoom in (+)', onclick: () => zoom(0.6)}, '+'),
    make('button', {type: 'button', 'aria-label': 'Zoom out', title: 'Zoom out (-)', onclick: () => zoom(1 / 0.6)}, '−'),
    make('button', {type: 'button', title: 'Show everything (0)', onclick: () => zoom(0)}, 'Whole'));
  const chart = {place, tools, live: null, at: -1, range: {x: [0, 100], y: [0, 100]},
    wake() {
      if (chart.live || !place.isConnected) return;
      chart.live = echarts.init(place, null, printing ? {renderer: 'canvas', devicePixelRatio: 3} : {renderer: 'canvas'});
      charts.add(chart);
      chart.draw();
      chart.live.on('datazoom', () => {
        const zooms = chart.live.getOption().dataZoom || [];
        if (zooms.length < 2) return;
        chart.range = {x: [zooms[0].start, zooms[0].end], y: [zooms[1].start, zooms[1].end]};
        if (given.zoomed) given.zoomed(chart);
      });
      chart.live.on('click', event => {
        if (!given.open || !event.data) return;
        // A finger cannot hover: its first tap on a point says what it is, the next one opens it.
        if (finger && tapped !== event.data.place) { tapped = event.data.place; return; }
        given.open(event.data);
      });
    },
    sleep() {
      if (!chart.live) return;
      chart.live.dispose();
      chart.live = null;
      charts.delete(chart);
    },
    draw() {
      if (!chart.live) return;
      const option = given.option(chart);
      option.animation = false;
      option.textStyle = {fontFamily: FONT, color: css('--ink')};
      if (given.zoom !== false) option.dataZoom = zooms();
      chart.live.setOption(option, {notMerge: true});
    },
    again() { chart.at = -1; chart.draw(); },
  };
  let finger = false, tapped = null;
  place.addEventListener('pointerdown', event => { finger = event.pointerType === 'touch'; });
  place.chart = chart;
  watcher.observe(place);
  resizing.observe(place);

  function whole() { return chart.range.x[0] <= 0 && chart.range.x[1] >= 100 && chart.range.y[0] <= 0 && chart.range.y[1] >= 100; }
  function zooms() {
    // The wheel scrolls the page unless Ctrl is held, and a finger does unless something is zoomed.
    return ['x', 'y'].map(axis => ({type: 'inside', [axis + 'AxisIndex']: 0, start: chart.range[axis][0], end: chart.range[axis][1],
      zoomOnMouseWheel: 'ctrl', moveOnMouseWheel: false, moveOnMouseMove: !whole(), preventDefaultMouseMove: !whole(), filterMode: 'none'}));
  }
  // In percent of both axes, what a zoom keeps in its middle: the point that the keyboard is at, or
  // the one nearest to the middle of what is in view, since most of a panel is empty.
  function centre() {
    const middles = ['x', 'y'].map(axis => (chart.range[axis][0] + chart.range[axis][1]) / 2);
    const stops = given.walk ? given.walk() : [];
    if (!stops.length || !stops[0].at || !chart.live) return middles;
    const option = chart.live.getOption();
    const ends = [option.xAxis[0], option.yAxis[0]];
    const shares = stops.map(stop => stop.at.map((value, axis) => (value - ends[axis].min) / (ends[axis].max - ends[axis].min) * 100));
    if (chart.at >= 0) return shares[chart.at];
    const far = share => Math.hypot(share[0] - middles[0], share[1] - middles[1]);
    return shares.reduce((a, b) => far(b) < far(a) ? b : a);
  }
  function zoom(by) {
    const around = by < 1 ? centre() : ['x', 'y'].map(axis => (chart.range[axis][0] + chart.range[axis][1]) / 2);
    ['x', 'y'].forEach((axis, number) => {
      const [start, end] = chart.range[axis];
      const half = Math.min(50, Math.max(1, (end - start) / 2 * by));
      const middle = Math.min(100 - half, Math.max(half, around[number]));
      chart.range[axis] = by === 0 ? [0, 100] : [middle - half, middle + half];
    });
    chart.draw();
  }
  function walk(by) {
    const stops = given.walk ? given.walk() : [];
    if (!stops.length || !chart.live) return;
    chart.at = chart.at < 0 ? (by > 0 ? 0 : stops.length - 1) : (chart.at + by + stops.length) % stops.length;
    const stop = stops[chart.at];
    chart.live.dispatchAction({type: 'downplay'});
    chart.live.dispatchAction({type: 'highlight', seriesIndex: stop.series, dataIndex: stop.index});
    chart.live.dispatchAction({type: 'showTip', seriesIndex: stop.series, dataIndex: stop.index});
    say(stop.text);
  }
  place.addEventListener('keydown', event => {
    const stops = given.walk ? given.walk() : [];
    switch (event.key) {
      case 'ArrowRight': case 'ArrowDown': walk(1); break;
      case 'ArrowLeft': case 'ArrowUp': walk(-1); break;
      case 'Home': chart.at = -1; walk(1); break;
      case 'End': chart.at = -1; walk(-1); break;
      case 'Enter': if (stops[chart.at] && stops[chart.at].open) stops[chart.at].open(); break;
      case 'Escape': if (chart.live) chart.live.dispatchAction({type: 'hideTip'}); return;
      case '+': case '=': if (tools) zoom(0.6); break;
      case '-': if (tools) zoom(1 / 0.6); break;
      case '0': if (tools) zoom(0); break;
      default: return;
    }
    event.preventDefault();
  });
  place.addEventListener('blur', () => { if (chart.live) { chart.live.dispatchAction({type: 'hideTip'}); chart.live.dispatchAction({type: 'downplay'}); } });
  return chart;
}
function redrawCharts() { charts.forEach(chart => chart.again()); }

// Paper is white, shows what is out of view, and cannot open what is folded.
let folded = [];
function toPaper() {
  if (printing) return;
  printing = true;
  document.documentElement.classList.add('printing');
  folded = [...document.querySelectorAll('main details:not([open]), #model details:not([open])')];
  folded.forEach(one => { one.open = true; });
  drawChips();
  drawKeys();
  tables.forEach(draw => draw());
  for (const place of document.querySelectorAll('.chart')) {
    place.chart.sleep();
    if (place.offsetParent === null) continue;
    place.chart.wake();
    place.chart.live.getZr().flush();
  }
}
function fromPaper() {
  if (!printing) return;
  printing = false;
  document.documentElement.classList.remove('printing');
  folded.forEach(one => { one.open = false; });
  drawChips();
  drawKeys();
  tables.forEach(draw => draw());
  for (const place of document.querySelectorAll('.chart')) {
    place.chart.sleep();
    // The watcher tells again what is in view.
    watcher.unobserve(place);
    watcher.observe(place);
  }
}

// The look that all charts share.
function axisLook(more) {
  return Object.assign({
    axisLine: {onZero: false, lineStyle: {color: css('--frame')}}, axisTick: {lineStyle: {color: css('--frame')}},
    axisLabel: {color: css('--muted'), fontSize: 11, hideOverlap: true}, nameTextStyle: {color: css('--muted'), fontSize: 11},
    splitLine: {lineStyle: {color: css('--grid')}}, minorSplitLine: {show: false}, minorTick: {show: false},
  }, more);
}
function tooltipLook(content) {
  return {trigger: 'item', confine: true, transitionDuration: matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 0.2, backgroundColor: css('--raised'), borderColor: css('--frame'),
    textStyle: {color: css('--ink'), fontSize: 12}, extraCssText: 'white-space:normal;max-width:300px;box-shadow:0 2px 8px rgba(0,0,0,.18)',
    formatter: content};
}
function tip(title, facts) {
  return make('div', {class: 'tip'}, make('strong', {}, clipped(title)),
    make('dl', {}, facts.filter(fact => fact && fact[1]).map(([name, value]) => [make('dt', {}, name), make('dd', {}, value)])));
}
