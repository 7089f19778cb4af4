/** Sum of a metric's samples on a /metrics page (Prometheus text format), over all its labels; 0 when it has none. */
export function metricSum(page: string, name: string): number {
  let sum = 0
  for (const line of page.split('\n')) {
    if (!line.startsWith(name)) continue
    const end = line[name.length]
    if (end === '{' || end === ' ') sum += Number(line.slice(line.lastIndexOf(' ') + 1))
  }
  return sum
}

export async function scrape(opsUrl: string): Promise<string> {
  const response = await fetch(`${opsUrl}/metrics`)
  if (!response.ok) throw new Error(`${opsUrl}/metrics answers ${response.status}`)
  return response.text()
}
