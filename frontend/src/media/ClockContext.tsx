/** The clock of a page, and its hands: play, pause, speed, from the beginning. */
import { ActionIcon, Group, SegmentedControl, Tooltip } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay, IconPlayerSkipBack } from "@tabler/icons-react";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";

import { MasterClock } from "./clock";

const TICK_MS = 100;
const SPEEDS = ["0.25", "0.5", "1", "2"];
const Clock = createContext<MasterClock | null>(null);

export function ClockProvider({ children }: { children: ReactNode }) {
  const [clock] = useState(() => new MasterClock());
  useEffect(() => {
    const timer = window.setInterval(() => clock.tick(performance.now() / 1000), TICK_MS);
    return () => window.clearInterval(timer);
  }, [clock]);
  return <Clock value={clock}>{children}</Clock>;
}

export function useClock(): MasterClock {
  const clock = useContext(Clock);
  if (!clock) throw new Error("A synced clip needs a ClockProvider above it.");
  return clock;
}

export function ClockControls() {
  const clock = useClock();
  const subscribe = (listener: () => void) => clock.subscribe(listener);
  const isPlaying = useSyncExternalStore(subscribe, () => clock.isPlaying);
  const speed = useSyncExternalStore(subscribe, () => clock.speed);
  const verb = isPlaying ? "Pause all" : "Play all";
  return (
    <Group gap="xs">
      <Tooltip label={verb}>
        <ActionIcon size="lg" variant="filled" aria-label={verb} onClick={() => clock.setPlaying(!isPlaying)}>
          {isPlaying ? <IconPlayerPause size={18} /> : <IconPlayerPlay size={18} />}
        </ActionIcon>
      </Tooltip>
      <Tooltip label="From the beginning">
        <ActionIcon size="lg" variant="default" aria-label="From the beginning" onClick={() => clock.restart()}>
          <IconPlayerSkipBack size={18} />
        </ActionIcon>
      </Tooltip>
      <SegmentedControl
        aria-label="Speed"
        size="xs"
        value={String(speed)}
        onChange={(value) => clock.setSpeed(Number(value))}
        data={SPEEDS.map((value) => ({ value, label: `${value}×` }))}
      />
    </Group>
  );
}
