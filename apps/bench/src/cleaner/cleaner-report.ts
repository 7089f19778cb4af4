import type { CleanerReport, CleaningRound } from './cleaner-bench.ts'

const MIB = 1024 * 1024

export function renderCleanerReport(report: CleanerReport): string {
  const { events, partitions, valueBytesMean, rounds, residentMib, warnings } = report
  const lines = [
    `${events.toLocaleString('en-US')} events of ${valueBytesMean.toFixed(0)} B (value) in ${partitions} partitions`,
    ...rounds.flatMap(roundLines),
    `broker: ${residentMib.toFixed(0)} MiB resident`,
    ...warnings.map((warning) => `broker said: ${warning}`),
  ]
  return `${lines.join('\n')}\n`
}

function roundLines(round: CleaningRound, index: number): readonly string[] {
  const { nulled, logBytesBefore, logBytesAfter, goneAfterS, passes, io, left } = round
  const sum = (of: (pass: CleaningRound['passes'][number]) => number) =>
    passes.reduce((total, pass) => total + of(pass), 0)
  const ofLog = (bytes: number) => `${mib(bytes)} (${(bytes / logBytesBefore).toFixed(2)} of the log)`
  const seconds = sum((pass) => pass.seconds)
  const readMib = sum((pass) => pass.indexedMib + pass.startMib)
  return [
    `round ${index + 1}: ${nulled} nulled; log ${mib(logBytesBefore)} → ${mib(logBytesAfter)}; ` +
      `gone after ${goneAfterS.toFixed(1)} s; values left ${left}`,
    `  passes: ${passes.length} over ${new Set(passes.map(({ partition }) => partition)).size} partitions, ` +
      `${seconds.toFixed(1)} s of cleaning, ` +
      `map at most ${Math.max(...passes.map(({ bufferPercent }) => bufferPercent)).toFixed(1)} % full`,
    `  the cleaner says: read ${ofLog(readMib * MIB)} of it ${sum((pass) => pass.indexedMib).toFixed(0)} MiB ` +
      `for the map; wrote ${ofLog(sum((pass) => pass.endMib) * MIB)}; ${(readMib / seconds).toFixed(0)} MiB/s read`,
    `  the process: calls read ${ofLog(io.readCallBytes)}, wrote ${ofLog(io.writeCallBytes)}; ` +
      `disk read ${mib(io.diskReadBytes)}, wrote ${mib(io.diskWriteBytes)}`,
  ]
}

const mib = (bytes: number): string => `${(bytes / MIB).toFixed(0)} MiB`
