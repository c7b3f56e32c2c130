module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/tests'],
  testMatch: ['**/*.test.ts', '**/*.test.js'],
  transform: { '\\.ts$': '<rootDir>/tests/esbuild-transform.js' },
}
