/** The version of Tenon, for run folders and `tenon --version`; a test holds it equal to package.json's. */
export const version = '0.1.0'
