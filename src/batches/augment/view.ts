/** How a crop × crop window is taken from an image. */
export interface View {
  /** Upper left corner of the window in the (rotated) image, in pixels. */
  top: number;
  left: number;
  /** Height and width of the window in the image, in pixels, where it is scaled; else they are the crop's side. */
  window?: [height: number, width: number];
  /** Mirrored left to right, after rotation and crop. */
  flip: boolean;
  /** Counter-clockwise, in radians, about the centre of the whole image. */
  angle: number;
}
