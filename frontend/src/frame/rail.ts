/** The places of the house, in the order of the rail. */
import {
  IconActivity,
  IconDatabase,
  IconFlask,
  IconHome,
  IconListNumbers,
  IconMovie,
  IconPackage,
  IconRocket,
  IconServer2,
  IconSettings,
  IconTable,
  type TablerIcon,
} from "@tabler/icons-react";

interface Place {
  to: string;
  label: string;
  icon: TablerIcon;
  /** After g, it goes there. */
  key: string;
  isExact?: boolean;
}

export const PLACES: readonly Place[] = [
  { to: "/", label: "Home", key: "h", icon: IconHome, isExact: true },
  { to: "/experiments", label: "Experiments", key: "e", icon: IconFlask },
  { to: "/runs", label: "Runs", key: "r", icon: IconActivity },
  { to: "/queue", label: "Queue", key: "q", icon: IconListNumbers },
  { to: "/launch", label: "Launch", key: "l", icon: IconRocket },
  { to: "/retrieval", label: "Retrieval", key: "v", icon: IconMovie },
  { to: "/results", label: "Results", key: "t", icon: IconTable },
  { to: "/checkpoints", label: "Checkpoints", key: "c", icon: IconPackage },
  { to: "/datasets", label: "Data sets", key: "d", icon: IconDatabase },
  { to: "/hosts", label: "Hosts", key: "o", icon: IconServer2 },
  { to: "/settings", label: "Settings", key: "s", icon: IconSettings },
];
