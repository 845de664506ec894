/** Style sheets go into one file beside the bundle. */
declare module '*.css';
