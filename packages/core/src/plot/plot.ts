export { byName, leftOut, type Picture, type PictureOptions, picture, requirePictureOptions } from './picture';
