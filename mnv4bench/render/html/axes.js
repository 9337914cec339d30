// The axes of a panel: cost by powers, top-1 in percent.
// Powers are taken here and not by the chart: on its own axis of powers it zooms as if there were none.
function power(x) { return Math.log10(x); }

// Where the axis begins and ends, as powers of ten.
function powers(points) {
  let low = Infinity, high = 0;
  points.forEach(point => { low = Math.min(low, point.low || point.x); high = Math.max(high, point.high || point.x); });
  if (low > high) { low = 1; high = 10; }
  // One model, or several alike, still get an axis with ticks to read them by.
  const pad = high / low < 1.6 ? 1.7 : Math.max(1.12, Math.pow(high / low, 0.06));
  return {min: power(low / pad), max: power(high * pad)};
}
// At 1, 2 and 5 of every decade, or as many as fit what is in view: few decades would else have one or none.
function ticksOf(low, high) {
  const span = high / low;
  if (span < 1.8) {
    const rough = (high - low) / 4, unit = Math.pow(10, Math.floor(Math.log10(rough)));
    const step = unit * [1, 2, 5, 10].find(times => times * unit >= rough);
    const count = Math.floor(high / step) - Math.ceil(low / step) + 1;
    return Array.from({length: count}, (_, at) => (Math.ceil(low / step) + at) * step);
  }
  const steps = span > 300 ? [1] : span > 6 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  const found = [];
  for (let decade = Math.floor(Math.log10(low)); decade <= Math.log10(high); decade++) {
    steps.forEach(step => found.push(step * Math.pow(10, decade)));
  }
  return found.filter(value => value >= low && value <= high);
}
// range: what is in view, in percent of the axis.
function costAxis(points, name, range) {
  const {min, max} = powers(points);
  const seen = range.map(share => Math.pow(10, min + (max - min) * share / 100));
  const customValues = ticksOf(...seen).map(power);
  const plain = value => String(Number(Math.pow(10, value).toPrecision(4)));
  return {type: 'value', name, nameLocation: 'middle', nameGap: 28, min, max, splitLine: {show: false},
    axisTick: {customValues, lineStyle: {color: css('--frame')}},
    axisLabel: {customValues, color: css('--muted'), fontSize: 11, hideOverlap: true, formatter: plain}};
}
function percents(points) {
  let low = 100, high = 0;
  points.forEach(point => { low = Math.min(low, point.top1Low || point.top1); high = Math.max(high, point.top1High || point.top1); });
  if (low > high) return {min: 0, max: 100};
  const pad = Math.max(1, (high - low) * 0.09);
  // Below the least accurate there is room for its name.
  return {min: Math.floor(low - pad * 1.4), max: Math.ceil(high + pad)};
}
function top1Axis(points) {
  return {type: 'value', ...percents(points), axisLabel: {color: css('--muted'), fontSize: 11, showMinLabel: false, showMaxLabel: false},
    name: 'Top-1, %', nameLocation: 'end', nameGap: 10, nameTextStyle: {align: 'left', padding: [0, 0, 0, -34], color: css('--muted'), fontSize: 11}};
}
