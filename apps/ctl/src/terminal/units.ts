const KIB = 1024

/** Bytes as people read them: `512 B`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes / KIB
  let at = 0
  while (value >= KIB && at < units.length - 1) {
    value /= KIB
    at++
  }
  return `${value.toFixed(1)} ${units[at]}`
}

/** Seconds as people read them: `0.4s`, `12s`, `3m05s`, `2h07m`, `3d04h`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)}s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`
  return `${Math.floor(whole / 86_400)}d${two(Math.floor((whole % 86_400) / 3600))}h`
}

const two = (value: number): string => String(value).padStart(2, '0')

/** Whole numbers with thousands separators: `12,345`. */
export const formatCount = (count: number): string => Math.round(count).toLocaleString('en-US')
