const { transformSync } = require('esbuild')

/** TypeScript for jest with the compiler that the build already has. */
module.exports = {
  process(source, path) {
    const { code, map } = transformSync(source, {
      loader: 'ts',
      format: 'cjs',
      target: 'node18',
      sourcemap: 'both',
      sourcefile: path,
      define: { 'import.meta.env': '{}' },
    })
    return { code, map }
  },
}
