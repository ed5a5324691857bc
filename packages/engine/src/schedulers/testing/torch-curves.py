import torch, json, warnings
warnings.filterwarnings('ignore')
from torch.optim import lr_scheduler as S
from torch.optim.swa_utils import SWALR
def opt(lr, kind='sgd'):
    p=[torch.nn.Parameter(torch.zeros(1))]
    return torch.optim.SGD(p, lr=lr, momentum=0.9) if kind=='sgd' else torch.optim.Adam(p, lr=lr)
def curve(make, n, lr=0.1, mom=False):
    o=opt(lr); s=make(o); r=[o.param_groups[0]['lr']]; m=[o.param_groups[0]['momentum']]
    for _ in range(n-1):
        o.step(); s.step(); r.append(o.param_groups[0]['lr']); m.append(o.param_groups[0]['momentum'])
    return {'rates':r, **({'momenta':m} if mom else {})}
out={
 'step': curve(lambda o:S.StepLR(o,3,0.5),10),
 'multiStep': curve(lambda o:S.MultiStepLR(o,[2,5,5,8],0.3),11),
 'exponential': curve(lambda o:S.ExponentialLR(o,0.93),12),
 'cosine': curve(lambda o:S.CosineAnnealingLR(o,7,0.001),25),
 'restarts': curve(lambda o:S.CosineAnnealingWarmRestarts(o,4,2,0.002),35),
 'restartsEven': curve(lambda o:S.CosineAnnealingWarmRestarts(o,5),14),
 'linear': curve(lambda o:S.LinearLR(o,0.25,0.9,6),10),
 'linearDefault': curve(lambda o:S.LinearLR(o),8),
 'lambda': curve(lambda o:S.LambdaLR(o,lambda e:1/(1+e)),9),
 'oneCycle': curve(lambda o:S.OneCycleLR(o,0.4,total_steps=20),20,mom=True),
 'oneCycleLinear': curve(lambda o:S.OneCycleLR(o,0.4,epochs=3,steps_per_epoch=7,pct_start=0.25,anneal_strategy='linear',div_factor=10,final_div_factor=100,base_momentum=0.8,max_momentum=0.9),21,mom=True),
 'oneCycleThree': curve(lambda o:S.OneCycleLR(o,0.4,total_steps=23,pct_start=0.4,three_phase=True),23,mom=True),
 'sequential': curve(lambda o:S.SequentialLR(o,[S.LinearLR(o,0.1,1.0,4),S.CosineAnnealingLR(o,10)],[4]),14),
 'swaCos': curve(lambda o:SWALR(o,0.02,anneal_epochs=4),8),
 'swaLinear': curve(lambda o:SWALR(o,0.3,anneal_epochs=3,anneal_strategy='linear'),7),
 'swaAtOnce': curve(lambda o:SWALR(o,0.05,anneal_epochs=0),4),
}
import math
def plateau(metrics, **k):
    o=opt(0.1); s=S.ReduceLROnPlateau(o,**k); r=[]
    for m in metrics: s.step(m); r.append(o.param_groups[0]['lr'])
    return r
M=[1,0.9,0.91,0.92,0.93,0.8,0.81,float('nan'),0.82,0.83,0.84,0.85,0.79995,0.86,0.87,0.88,0.89,0.9]
out['plateau']={'rates':plateau(M,patience=2,factor=0.5)}
out['plateauMax']={'rates':plateau([-x for x in M],patience=1,factor=0.5,mode='max',threshold_mode='abs',threshold=0.05,cooldown=2,min_lr=0.02)}
print(json.dumps(out))
