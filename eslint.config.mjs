import nx from '@nx/eslint-plugin'
import tseslint from 'typescript-eslint'

// DESIGN: kernel ← contract ← platform ← projection ← app. A layer sees itself and what lies below it; a projection
// never imports a projection, an app never imports an app. The testkit and the launchers are for tests and apps/ctl.
const below = {
  kernel: [],
  contract: ['layer:kernel', 'layer:contract'],
  platform: ['layer:kernel', 'layer:contract', 'layer:platform'],
  projection: ['layer:kernel', 'layer:contract', 'layer:platform'],
  app: ['layer:kernel', 'layer:contract', 'layer:platform', 'layer:projection'],
  testkit: ['layer:kernel', 'layer:infra'],
  infra: [],
}

const constraints = (extra) =>
  Object.entries(below).map(([layer, allowed]) => ({
    sourceTag: `layer:${layer}`,
    onlyDependOnLibsWithTags: [...allowed, ...(layer === 'kernel' || layer === 'infra' ? [] : extra)],
  }))

const boundaries = (extra) => [
  'error',
  { enforceBuildableLibDependency: false, allow: [], depConstraints: constraints(extra) },
]

export default [
  { ignores: ['**/node_modules/**', 'dist/**', '.millrace/**', '.nx/**', 'vitest.config.ts'] },
  {
    files: ['**/*.ts', '**/*.mjs'],
    languageOptions: { parser: tseslint.parser },
    plugins: { '@nx': nx, '@typescript-eslint': tseslint.plugin },
    rules: { '@nx/enforce-module-boundaries': boundaries([]) },
  },
  {
    // Tests and what only they use may use the testkit; benches and end-to-end tests are tests as a whole.
    files: [
      '**/*.test.ts',
      '**/*.test.mjs',
      '**/contract/*.ts',
      '**/testing.ts',
      '**/testing/*.ts',
      'apps/e2e/**/*.ts',
      'apps/bench/**/*.ts',
    ],
    rules: { '@nx/enforce-module-boundaries': boundaries(['layer:testkit', 'layer:infra']) },
  },
  {
    files: ['**/*.ts'],
    languageOptions: { parser: tseslint.parser, parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
]
