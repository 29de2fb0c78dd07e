/** Our records of models and GPUs against the reference tables they were carried from. */
import { describe, expect, test } from 'vitest';
import { GPUS } from '../../../src/core/hardware/records.ts';
import { MODELS } from '../../../src/core/model/records.ts';
import { referenceText, whyNoReferenceData } from '../../reference-data.ts';

type Row = Record<string, unknown>;

const noModels = whyNoReferenceData('models/models.json');
const noGpus = whyNoReferenceData('gpus/gpus.json');

describe.skipIf(noModels !== null)(
  `models agree with the reference table${noModels ? `: skipped, ${noModels}` : ''}`,
  () => {
    // OPT-1.3B is not in the table; its parameters are held to the published count instead.
    test.each(MODELS.filter(({ id }) => id !== 'opt-1.3b'))('$name', (model) => {
      const rows = (JSON.parse(referenceText('models/models.json')) as { models: Row[] }).models;
      const same = rows.filter(
        (row) =>
          row['layers'] === model.layers &&
          row['hidden'] === model.hidden &&
          row['intermediate'] === model.intermediate &&
          row['heads'] === model.queryHeads &&
          row['kv_heads'] === model.kvHeads &&
          row['head_dim'] === model.headDim &&
          row['vocab'] === model.vocab &&
          row['tie_embeddings'] === model.tiedEmbeddings &&
          row['max_position'] === model.maxPositionTokens,
      );
      const names = same.map((row) => String(row['id']).toLowerCase());
      expect(names.some((name) => name.includes(model.name.toLowerCase().replace(/-v0\.3$/, '')))).toBe(true);
    });
  },
);

describe.skipIf(noGpus !== null)(
  `GPUs agree with the reference table${noGpus ? `: skipped, ${noGpus}` : ''}`,
  () => {
    // The Arc 140V is not in the table, and the table has the workstation's bandwidth for the RTX PRO 6000 server edition;
    // their rows name other sources.
    test.each(GPUS.filter(({ id }) => id !== 'arc-140v' && id !== 'rtx-pro-6000-server'))('$name', (gpu) => {
      const rows = (JSON.parse(referenceText('gpus/gpus.json')) as { gpus: Row[] }).gpus;
      const row = rows.find(({ id }) => id === gpu.id) ?? {};
      expect({
        memoryGB: row['memory_gb'],
        bandwidthGBps: row['bandwidth_gbps'],
        fp32Tflops: row['fp32_tflops'],
        fp16MatrixTflops: row['fp16_tflops_dense'],
        tdpW: row['tdp_w'],
      }).toEqual({
        memoryGB: gpu.memoryGB,
        bandwidthGBps: gpu.bandwidthGBps,
        fp32Tflops: gpu.fp32Tflops,
        fp16MatrixTflops: gpu.fp16MatrixTflops,
        tdpW: gpu.tdpW,
      });
    });
  },
);
