/** One measure of a host: how full it is now, and its curve of the last hour on a scale from none to all. */
import { Box, Tooltip } from "@mantine/core";

import { Gauge } from "@/ui/Gauge";

import classes from "./Hosts.module.css";
import { hourInWords, type Measure, pathsOf } from "./loads";

const WIDTH = 120;
const HEIGHT = 30;

export function LoadRow({ measure, hasCurve }: { measure: Measure; hasCurve: boolean }) {
  const { label, share, said, nearlyFull } = measure;
  return (
    <div className={classes.load} data-curve={hasCurve || undefined}>
      <Box miw={0}>
        <Gauge label={label} share={share} said={said} nearlyFull={nearlyFull} />
      </Box>
      {hasCurve && <Curve measure={measure} />}
    </div>
  );
}

function Curve({ measure }: { measure: Measure }) {
  const words = hourInWords(measure);
  const { line, area } = pathsOf(measure.hour, WIDTH, HEIGHT);
  return (
    <Tooltip label={words} openDelay={200}>
      <svg role="img" aria-label={words} className={classes.curve} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none">
        <path d={area} className={classes.area} />
        <path d={line} className={classes.line} vectorEffect="non-scaling-stroke" />
      </svg>
    </Tooltip>
  );
}
