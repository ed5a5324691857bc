/** What of Observable Plot 0.6 can be recorded: its marks and transforms. A test compares this with the library. */

export const MARKS: readonly string[] = `area areaX areaY arrow auto axisFx axisFy axisX axisY barX barY bollingerX
  bollingerY boxX boxY cell cellX cellY circle cluster contour crosshair crosshairX crosshairY delaunayLink
  delaunayMesh density differenceX differenceY dot dotX dotY frame geo graticule gridFx gridFy gridX gridY hexagon
  hexgrid hull image line lineX lineY linearRegressionX linearRegressionY link raster rect rectX rectY ruleX ruleY
  sphere spike text textX textY tickX tickY tip tree vector vectorX vectorY voronoi voronoiMesh waffleX
  waffleY`.split(/\s+/)

export const TRANSFORMS: readonly string[] =
  `bin binX binY bollinger centroid dodgeX dodgeY filter geoCentroid group groupX
  groupY groupZ hexbin map mapX mapY normalize normalizeX normalizeY pointer pointerX pointerY reverse select
  selectFirst selectLast selectMaxX selectMaxY selectMinX selectMinY shiftX shiftY shuffle sort stackX stackX1 stackX2
  stackY stackY1 stackY2 treeLink treeNode window windowX windowY`.split(/\s+/)

/** Transforms whose first argument says how values are put together, not how they are read from data. */
export const TAKES_REDUCERS = /^(bin|group|hexbin|map|window|normalize|shift|stack|select|bollinger|find)/

/** Options whose functions are no channels: they run while the page draws. */
export const DRAWING_OPTIONS: ReadonlySet<string> = new Set([
  'apply',
  'curve',
  'format',
  'initializer',
  'interpolate',
  'interval',
  'invert',
  'projection',
  'reduce',
  'render',
  'tickFormat',
  'transform',
])
