/** A clip that plays with all others of its page while it is on screen. */
import { IconMovieOff } from "@tabler/icons-react";
import { useCallback, useEffect, useRef } from "react";

import classes from "./Clip.module.css";
import { useClock } from "./ClockContext";
import { usePreview } from "./preview";
import { useOnScreen } from "./useOnScreen";

interface ClipProps {
  url: string;
  /** What is to be seen, for those who cannot. */
  label: string;
}

export function Clip({ url, label }: ClipProps) {
  const { ref, isOnScreen, wasOnScreen } = useOnScreen<HTMLDivElement>();
  const preview = usePreview(url, wasOnScreen);
  return (
    <div ref={ref} className={classes.frame}>
      {preview.data ? (
        <Picture file={preview.data} label={label} isOnScreen={isOnScreen} />
      ) : (
        <Note reason={preview.error?.message ?? null} />
      )}
    </div>
  );
}

function Note({ reason }: { reason: string | null }) {
  if (reason === null) return <div className={`${classes.note} ${classes.shimmer}`}>Preparing preview</div>;
  return (
    <div className={classes.note}>
      <IconMovieOff size={20} aria-hidden />
      {reason}
    </div>
  );
}

interface PictureProps {
  file: Blob;
  label: string;
  isOnScreen: boolean;
}

function Picture({ file, label, isOnScreen }: PictureProps) {
  const showFile = useSource(file);
  if (!file.type.startsWith("image/")) return <SyncedVideo file={file} label={label} isOnScreen={isOnScreen} />;
  return <img ref={showFile} className={classes.picture} alt={label} />;
}

function SyncedVideo({ file, label, isOnScreen }: PictureProps) {
  const clock = useClock();
  const video = useRef<HTMLVideoElement | null>(null);
  const showFile = useSource(file);
  const mount = useCallback(
    (element: HTMLVideoElement | null) => {
      if (!element) return undefined;
      video.current = element;
      const hide = showFile(element);
      const leave = clock.add(element);
      return () => {
        leave();
        hide?.();
        video.current = null;
      };
    },
    [clock, showFile],
  );
  useEffect(() => {
    if (video.current) clock.show(video.current, isOnScreen);
  }, [clock, isOnScreen, mount]);
  return (
    <video
      ref={mount}
      className={classes.picture}
      aria-label={label}
      muted
      loop
      playsInline
      disablePictureInPicture
      preload="auto"
      tabIndex={-1}
    />
  );
}

/** Show bytes in an element, and give their address back when it goes. */
function useSource(file: Blob) {
  return useCallback(
    (element: HTMLImageElement | HTMLVideoElement | null) => {
      if (!element) return undefined;
      const url = URL.createObjectURL(file);
      element.src = url;
      return () => {
        element.removeAttribute("src");
        URL.revokeObjectURL(url);
      };
    },
    [file],
  );
}
