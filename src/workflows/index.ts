export { baseImages } from './base-images';
export { profilePictures } from './profile-pictures';
export { providerWatch } from './provider-watch/provider-watch';
export { studioGeneration } from './studio-generation';
