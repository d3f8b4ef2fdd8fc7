// How large a download is, in words.

export const LARGE_MEGABYTES = 1000;

/** "122 MB", "6.9 GB". @param {number} megabytes */
export const size = (megabytes) =>
  megabytes < LARGE_MEGABYTES ? `${megabytes} MB` : `${(megabytes / 1000).toFixed(1)} GB`;
