export declare function ensureLibrary(what: { readonly types: boolean }): Promise<void>;
