export { baseImages } from './base-images';
export { profilePictures } from './profile-pictures';
export { studioGeneration } from './studio-generation';
