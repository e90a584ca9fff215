0 drawbox@away enable 1;
0.025025 crop@c x 4, crop@c y 6, drawbox@away enable 0;
0.058392 crop@c x 7, crop@c y 6;
0.091758 crop@c x 9, crop@c y 7;
0.125125 drawbox@away enable 1;
0.191858 crop@c x 194, crop@c y 17, drawbox@away enable 0;
0.225225 crop@c x 197, crop@c y 16;
0.258592 drawbox@away enable 1;
