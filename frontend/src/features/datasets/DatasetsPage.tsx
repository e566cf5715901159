/** What may be learned from: the data sets that were registered. */
import { Button, Code, Group, Paper } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconFolderPlus, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import { CopyButton } from "@/ui/CopyButton";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorBox } from "@/ui/ErrorBox";
import { PageHeader } from "@/ui/PageHeader";
import { RowSkeletons } from "@/ui/Skeletons";

import { DatasetTable } from "./DatasetTable";
import { isUnderWay } from "./DatasetState";
import { PrepareButton } from "./PrepareButton";
import { Preparations } from "./Preparations";
import { datasetsQuery, preparationsQuery, useRegisterDataset, useSteerPreparation } from "./queries";
import { RegisterDialog } from "./RegisterDialog";

export default function DatasetsPage() {
  const navigate = useNavigate();
  const [isOpen, { open, close }] = useDisclosure(false);
  const register = useRegisterDataset();
  const preparations = useQuery(preparationsQuery);
  const steer = useSteerPreparation();
  const datasets = useQuery({
    ...datasetsQuery,
    refetchInterval: ({ state }) => (state.data?.some(isUnderWay) ? 2_000 : false),
  });
  return (
    <>
      <PageHeader
        title="Data sets"
        lead="Folders of videos or images that runs may learn from. Every file is opened once, when it is indexed."
        actions={
          <Group gap="xs">
            <PrepareButton />
            <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={open}>
              Register a folder
            </Button>
          </Group>
        }
      />
      {preparations.data && (
        <Preparations
          preparations={preparations.data}
          isBusy={steer.isPending}
          onSteer={(preparation_id, verb) => steer.mutate({ preparation_id, verb })}
        />
      )}
      {datasets.error && !datasets.data && <ErrorBox error={datasets.error} />}
      {datasets.isPending && <RowSkeletons />}
      {datasets.data && datasets.data.length === 0 && <Empty />}
      {datasets.data && datasets.data.length > 0 && <DatasetTable datasets={datasets.data} />}
      <RegisterDialog
        isOpen={isOpen}
        isBusy={register.isPending}
        failure={register.error}
        onClose={() => {
          register.reset();
          close();
        }}
        onRegister={(asked) =>
          register.mutate(asked, {
            onSuccess: ({ id }) => void navigate({ to: "/datasets/$datasetId", params: { datasetId: String(id) } }),
          })
        }
      />
    </>
  );
}

function Empty() {
  return (
    <Paper className="card">
      <EmptyState icon={IconFolderPlus} title="No data yet">
        Register a folder of videos or images, or make a demo set of short videos in a minute and a half:
        <Group gap={4} justify="center" mt={6}>
          <Code>scelab data demo</Code>
          <CopyButton value="scelab data demo" label="Copy the command" />
        </Group>
      </EmptyState>
    </Paper>
  );
}
