/** What surrounds every page: the rail, the palette, the keys, the stream of changes. */
import { useLocalStorage } from "@mantine/hooks";
import { Outlet } from "@tanstack/react-router";

import { useLiveChanges } from "@/api/live";

import classes from "./Frame.module.css";
import { Palette } from "./Palette";
import { Rail } from "./Rail";
import { useOpenings } from "./useOpenings";
import { KeysHelp } from "./KeysHelp";

export function Frame() {
  useLiveChanges();
  const [isNarrow, setIsNarrow] = useLocalStorage({ key: "scelab-rail-narrow", defaultValue: false, getInitialValueInEffect: false });
  const { opened, open, close } = useOpenings();
  return (
    <div className={classes.frame}>
      <a href="#page" className={classes.skip}>
        Skip to the page
      </a>
      <Rail isNarrow={isNarrow} onNarrow={() => setIsNarrow((old) => !old)} onPalette={() => open("palette")} onHelp={() => open("help")} />
      <main id="page" className={classes.page} tabIndex={-1}>
        <div className={classes.inner}>
          <Outlet />
        </div>
      </main>
      <Palette isOpen={opened === "palette"} onClose={close} />
      <KeysHelp isOpen={opened === "help"} onClose={close} />
    </div>
  );
}
