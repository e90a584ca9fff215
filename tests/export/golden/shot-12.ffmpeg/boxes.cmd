0 drawbox@t1 enable 0, drawbox@t2 x 300, drawbox@t2 y 10, drawbox@t2 w 10, drawbox@t2 h 30, drawbox@t2 enable 1;
0.025025 drawbox@t1 x 10, drawbox@t1 y 20, drawbox@t1 w 41, drawbox@t1 h 100, drawbox@t1 enable 1, drawbox@t2 x 300, drawbox@t2 y 10, drawbox@t2 w 10, drawbox@t2 h 30;
0.058392 drawbox@t1 x 12, drawbox@t1 y 20, drawbox@t1 w 41, drawbox@t1 h 100, drawbox@t2 x 301, drawbox@t2 y 11, drawbox@t2 w 10, drawbox@t2 h 30;
0.091758 drawbox@t1 x 15, drawbox@t1 y 21, drawbox@t1 w 41, drawbox@t1 h 99, drawbox@t2 enable 0;
0.125125 drawbox@t1 enable 0;
0.191858 drawbox@t1 x 200, drawbox@t1 y 30, drawbox@t1 w 40, drawbox@t1 h 101, drawbox@t1 enable 1;
0.225225 drawbox@t1 x 202, drawbox@t1 y 30, drawbox@t1 w 41, drawbox@t1 h 100;
0.258592 drawbox@t1 enable 0;
