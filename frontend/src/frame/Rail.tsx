/** The left rail, a bar with a menu on a phone: where one can go, and whether what is shown is live. */
import { ActionIcon, Kbd, Tooltip, UnstyledButton, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { IconKeyboard, IconLayoutSidebar, IconMenu2, IconMoon, IconSearch, IconSun, IconX } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import classes from "./Frame.module.css";
import { LiveBadge } from "./LiveBadge";
import { Mark } from "./Mark";
import { PLACES } from "./rail";

interface RailProps {
  isNarrow: boolean;
  onNarrow: () => void;
  onPalette: () => void;
  onHelp: () => void;
}

export function Rail({ isNarrow, onNarrow, onPalette, onHelp }: RailProps) {
  const [isOpen, setIsOpen] = useState(false);
  const Toggle = isOpen ? IconX : IconMenu2;
  return (
    <header className={classes.rail} data-narrow={isNarrow || undefined} data-open={isOpen || undefined}>
      <Link to="/" className={classes.brand} aria-label="SCE Lab, home">
        <Mark />
        {!isNarrow && <span>SCE Lab</span>}
      </Link>
      <ActionIcon className={classes.toggle} variant="subtle" color="gray" size={36} aria-expanded={isOpen} aria-label={isOpen ? "Close the menu" : "Open the menu"} onClick={() => setIsOpen(!isOpen)}>
        <Toggle size={19} stroke={1.7} />
      </ActionIcon>
      <UnstyledButton className={classes.search} onClick={onPalette} aria-label="Search runs, pages and recipes">
        <IconSearch size={15} aria-hidden />
        {!isNarrow && (
          <>
            <span>Search</span>
            <Kbd size="xs">Ctrl K</Kbd>
          </>
        )}
      </UnstyledButton>
      <nav aria-label="Pages" className={classes.places}>
        {PLACES.map(({ to, label, icon: Icon, isExact }) => (
          <Tooltip key={to} label={label} position="right" disabled={!isNarrow}>
            <Link to={to} className={classes.place} activeOptions={{ exact: isExact === true, includeSearch: false }} aria-label={label} onClick={() => setIsOpen(false)}>
              <Icon size={17} stroke={1.6} aria-hidden />
              {!isNarrow && label}
            </Link>
          </Tooltip>
        ))}
      </nav>
      <div className={classes.foot}>
        <LiveBadge isNarrow={isNarrow} />
        <div className={classes.tools}>
          <SchemeToggle />
          <Tooltip label="Keys (?)">
            <ActionIcon variant="subtle" color="gray" onClick={onHelp} aria-label="Keyboard shortcuts">
              <IconKeyboard size={17} stroke={1.6} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label={isNarrow ? "Widen the rail" : "Narrow the rail"}>
            <ActionIcon variant="subtle" color="gray" onClick={onNarrow} aria-label={isNarrow ? "Widen the rail" : "Narrow the rail"}>
              <IconLayoutSidebar size={17} stroke={1.6} />
            </ActionIcon>
          </Tooltip>
        </div>
      </div>
    </header>
  );
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme("light") === "dark";
  const label = isDark ? "Light colours" : "Dark colours";
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={() => setColorScheme(isDark ? "light" : "dark")}>
        {isDark ? <IconSun size={17} stroke={1.6} /> : <IconMoon size={17} stroke={1.6} />}
      </ActionIcon>
    </Tooltip>
  );
}
