import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LAYERS, MAY_TEST_WITH_TESTKIT } from './layers.ts'

interface Graph {
  readonly nodes: Readonly<
    Record<string, { readonly data: { readonly root: string; readonly tags?: readonly string[] } }>
  >
  readonly dependencies: Readonly<
    Record<string, readonly { readonly source: string; readonly target: string }[]>
  >
}

const root = new URL('../../../..', import.meta.url).pathname
let folder: string
let graph: Graph

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-graph-'))
  const file = join(folder, 'graph.json')
  execFileSync(process.execPath, [join(root, 'node_modules/nx/dist/bin/nx.js'), 'graph', `--file=${file}`], {
    cwd: root,
    env: { ...process.env, NX_DAEMON: 'false' },
    stdio: 'pipe',
  })
  graph = (JSON.parse(readFileSync(file, 'utf8')) as { graph: Graph }).graph
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const layerOf = (project: string): string => {
  const tag = graph.nodes[project]?.data.tags?.find((t) => t.startsWith('layer:'))
  return tag?.slice('layer:'.length) ?? `no layer tag on ${project}`
}

test('every project has a known layer', () => {
  for (const project of Object.keys(graph.nodes))
    expect(Object.keys(LAYERS), project).toContain(layerOf(project))
  expect(Object.keys(graph.nodes).length).toBeGreaterThan(15)
})

test('every edge of the project graph follows the dependency rule', () => {
  const wrong: string[] = []
  let edges = 0
  for (const { source, target } of Object.values(graph.dependencies).flat()) {
    if (graph.nodes[target] === undefined) continue
    edges++
    const from = layerOf(source)
    const to = layerOf(target)
    const forTests = (to === 'testkit' || to === 'infra') && MAY_TEST_WITH_TESTKIT.includes(from)
    if (!LAYERS[from]?.includes(to) && !forTests) wrong.push(`${source} (${from}) → ${target} (${to})`)
  }
  expect(wrong).toEqual([])
  expect(edges).toBeGreaterThan(30)
})

test('projects lie where their layer says', () => {
  for (const [project, { data }] of Object.entries(graph.nodes)) {
    const layer = layerOf(project)
    if (layer === 'app') expect(data.root).toMatch(/^apps\//)
    if (layer === 'projection') expect(data.root).toMatch(/^libs\/projections\//)
    if (data.root.startsWith('apps/')) expect(layer, project).toBe('app')
  }
})
