/**
 * One build for everything a browser gets: the pages, and the runtime as ES modules under addresses that
 * never change. Users' scripts are bundled apart and import the runtime by these addresses, so both must
 * meet in the same modules: hence one build with shared chunks, and not one per entry.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'

const ROOT = dirname(fileURLToPath(import.meta.url))
const PACKAGES = join(ROOT, 'packages')
const APPS = join(ROOT, 'apps')

/** Becomes `/runtime/<name>.js`. */
const RUNTIME = {
  rondo: join(PACKAGES, 'rondo/src/index.ts'),
  tfjs: join(PACKAGES, 'engine/src/tfjs-module.ts'),
  'rank-worker': join(PACKAGES, 'fabric/src/rank/worker.ts'),
  'notebook-kernel': join(APPS, 'notebook/src/kernel/worker.ts'),
  'notebook-rank': join(APPS, 'notebook/src/rank/program.ts'),
  'device-probe': join(PACKAGES, 'engine/src/accelerator/device-probe.worker.ts'),
  'port-broker': join(PACKAGES, 'transport/src/port-broker.worker.ts'),
} as const

const WASM_BINARIES = [
  'tfjs-backend-wasm.wasm',
  'tfjs-backend-wasm-simd.wasm',
  'tfjs-backend-wasm-threaded-simd.wasm',
] as const

/** Every app folder with an index.html is a page at `/<folder>/`. */
function pages(): Record<string, string> {
  const found = readdirSync(APPS)
    .map((name) => [`page-${name}`, join(APPS, name, 'index.html')] as const)
    .filter(([, path]) => existsSync(path))
  return Object.fromEntries(found)
}

/** tfjs fetches its WASM by address; the files lie beside the runtime, so that nothing comes from elsewhere. */
function wasmBinaries(): Plugin {
  return {
    name: 'rondo-wasm-binaries',
    generateBundle() {
      const home = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json'))
      for (const name of WASM_BINARIES) {
        this.emitFile({
          type: 'asset',
          fileName: `runtime/wasm/${name}`,
          source: readFileSync(join(home, 'dist', name)),
        })
      }
    },
  }
}

/**
 * tfjs starts its WASM threads from the source text of a function, so that text may name nothing outside of
 * itself. It does name `_scriptDir`, guarded by a `typeof` that minifying takes away (it knows the variable):
 * each thread then dies of "e is not defined". The address is not needed here, as tfjs passes the script itself.
 * To be deleted when tfjs-backend-wasm no longer ships such a factory (4.22.0 does).
 */
function selfContainedWasmThreads(): Plugin {
  return {
    name: 'rondo-self-contained-wasm-threads',
    transform: {
      filter: { id: /tfjs-backend-wasm-threaded-simd\.js$/ },
      handler(code) {
        const fixed = code
          .replace(/if\s*\(typeof _scriptDir !== "undefined" && _scriptDir\)\s*\{scriptDirectory=_scriptDir\}/, '')
          .replace('Module["mainScriptUrlOrBlob"]||_scriptDir', 'Module["mainScriptUrlOrBlob"]')
        const factory = fixed.split('function(WasmBackendModuleThreadedSimd)')[1]
        if (factory?.includes('_scriptDir') !== false) this.error('the thread factory of tfjs looks different now')
        return { code: fixed, map: null }
      },
    },
  }
}

/**
 * tfjs's union package brings its webgl backend to everybody, though no rank takes it unless asked by name: a tenth of
 * what a page downloads. The engine loads it then (packages/engine/src/accelerator/webgl-backend.ts).
 */
function webglWhenAskedFor(): Plugin {
  return {
    name: 'rondo-webgl-when-asked-for',
    transform: {
      filter: { id: /@tensorflow\/tfjs\/dist\/index\.js$/ },
      handler(code) {
        const { version } = createRequire(import.meta.url)('@tensorflow/tfjs-backend-webgl/package.json')
        const without = code
          .replace(
            "import { version_webgl } from '@tensorflow/tfjs-backend-webgl';",
            `const version_webgl = '${version}';`,
          )
          .replace("export * from '@tensorflow/tfjs-backend-webgl';", '')
        if (without.includes('@tensorflow/tfjs-backend-webgl')) this.error('the index of tfjs looks different now')
        return { code: without, map: null }
      },
    },
  }
}

export default defineConfig({
  root: APPS,
  base: '/',
  publicDir: false,
  resolve: {
    // The plain entry needs Node's globals; the bundled one is the same library for browsers.
    alias: { 'simple-peer': resolve(ROOT, 'node_modules/simple-peer/simplepeer.min.js') },
  },
  define: { 'process.env.NODE_ENV': '"production"' },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [wasmBinaries(), selfContainedWasmThreads(), webglWhenAskedFor()],
  build: {
    outDir: join(ROOT, 'dist'),
    emptyOutDir: true,
    target: 'es2023',
    // Chunks are shared with workers, where the preload helper's `document` does not exist.
    modulePreload: false,
    sourcemap: true,
    chunkSizeWarningLimit: 4096,
    reportCompressedSize: false,
    rolldownOptions: {
      input: { ...pages(), ...RUNTIME },
      preserveEntrySignatures: 'strict',
      output: {
        entryFileNames: (chunk) => (chunk.name in RUNTIME ? 'runtime/[name].js' : 'assets/[name]-[hash].js'),
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
        // Names stay: the notebook's proposals show the parameters of Rondo's functions, and stacks their names.
        minify: { mangle: false, compress: true, codegen: true },
      },
    },
  },
})
