/** Opens the form of a preparation, and asks for it. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconWand } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";

import { PrepareDialog } from "./PrepareDialog";
import { catalogueQuery, usePrepare } from "./queries";

export function PrepareButton() {
  const [isOpen, { open, close }] = useDisclosure(false);
  const catalogue = useQuery(catalogueQuery);
  const prepare = usePrepare();
  const leave = () => {
    prepare.reset();
    close();
  };
  return (
    <>
      <Button variant="default" leftSection={<IconWand size={16} aria-hidden />} onClick={open}>
        Prepare a data set
      </Button>
      <PrepareDialog
        isOpen={isOpen}
        isBusy={prepare.isPending}
        failure={prepare.error ?? catalogue.error}
        catalogue={catalogue.data ?? []}
        onClose={leave}
        onPrepare={(asked) => prepare.mutate(asked, { onSuccess: leave })}
      />
    </>
  );
}
