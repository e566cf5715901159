/** The places of the house, in the order of the rail. */
import {
  IconActivity,
  IconDatabase,
  IconFlask,
  IconHome,
  IconMovie,
  IconPackage,
  IconRocket,
  IconServer2,
  IconSettings,
  type TablerIcon,
} from "@tabler/icons-react";

interface Place {
  to: string;
  label: string;
  icon: TablerIcon;
  isExact?: boolean;
}

export const PLACES: readonly Place[] = [
  { to: "/", label: "Home", icon: IconHome, isExact: true },
  { to: "/experiments", label: "Experiments", icon: IconFlask },
  { to: "/runs", label: "Runs", icon: IconActivity },
  { to: "/launch", label: "Launch", icon: IconRocket },
  { to: "/retrieval", label: "Retrieval", icon: IconMovie },
  { to: "/checkpoints", label: "Checkpoints", icon: IconPackage },
  { to: "/datasets", label: "Data sets", icon: IconDatabase },
  { to: "/hosts", label: "Hosts", icon: IconServer2 },
  { to: "/settings", label: "Settings", icon: IconSettings },
];
