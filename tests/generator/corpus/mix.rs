//! What accounts do all day: which calls, how often, with which parameters, answers and errors. Shares are those measured on
//! real trail files.

/// Share of KMS among all records.
pub const KMS_SHARE: f64 = 0.083;
/// Share of records with an error.
pub const ERROR_SHARE: f64 = 0.103;
/// Share of records in which a service acts for itself.
pub const SERVICE_SHARE: f64 = 0.08;

/// One kind of call.
pub struct Call {
    /// `eventSource` without `.amazonaws.com`.
    pub service: &'static str,
    /// `eventName`.
    pub name: &'static str,
    /// How often, in parts of the sum.
    pub weight: u32,
    /// `readOnly`.
    pub read_only: bool,
    /// `requestParameters`, as a template.
    pub request: &'static str,
    /// `responseElements`, as a template.
    pub response: &'static str,
}

macro_rules! calls {
    ($($service:ident $name:ident $weight:literal $mode:ident $request:literal $response:literal;)*) => {
        &[$(Call {
            service: stringify!($service), name: stringify!($name), weight: $weight, read_only: calls!(@$mode),
            request: $request, response: $response,
        }),*]
    };
    (@read) => { true };
    (@write) => { false };
}

/// Everything but KMS. In templates `~` and a letter stand for something of the account: see `record::fill`.
pub const CALLS: &[Call] = calls! {
    ec2 DescribeRouteTables 163 read r#"{"routeTableIdSet":{},"filterSet":{"items":[{"name":"association.route-table-association-id","valueSet":{"items":[{"value":"~f"}]}}]}}"# "null";
    ec2 DescribeNatGateways 54 read r#"{"DescribeNatGatewaysRequest":{"NatGatewayId":{"tag":1,"content":"nat-0~h"}}}"# "null";
    ec2 DescribeVpcAttribute 48 read r#"{"vpcId":"~c","attribute":"enableDnsHostnames"}"# "null";
    ec2 DescribeVpcs 43 read r#"{"vpcSet":{"items":[{"vpcId":"~c"}]},"filterSet":{}}"# "null";
    ec2 DescribeSubnets 40 read r#"{"subnetSet":{"items":[{"subnetId":"~d"}]},"filterSet":{}}"# "null";
    ec2 DescribeAccountAttributes 40 read r#"{"accountAttributeNameSet":{"items":[{"attributeName":"default-vpc"}]},"filterSet":{}}"# "null";
    ec2 DescribeSecurityGroups 60 read r#"{"securityGroupSet":{},"securityGroupIdSet":{"items":[{"groupId":"~e"}]},"filterSet":{}}"# "null";
    ec2 DescribeInstances 80 read r#"{"instancesSet":{"items":[{"instanceId":"~i"}]},"filterSet":{}}"# "null";
    ec2 DescribeInstanceAttribute 25 read r#"{"instanceId":"~i","attribute":"userData"}"# "null";
    ec2 DescribeNetworkInterfaces 60 read r#"{"networkInterfaceIdSet":{},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"~c"}]}}]}}"# "null";
    ec2 DescribeVolumes 60 read r#"{"volumeSet":{"items":[{"volumeId":"~v"}]},"filterSet":{}}"# "null";
    ec2 DescribeInstanceStatus 70 read r#"{"instancesSet":{},"filterSet":{},"includeAllInstances":false}"# "null";
    ec2 DescribeImages 20 read r#"{"executableBySet":{},"imagesSet":{},"ownersSet":{"items":[{"owner":"amazon"}]},"filterSet":{"items":[{"name":"name","valueSet":{"items":[{"value":"al2023-ami-2023.*-x86_64"}]}}]}}"# "null";
    ec2 CreateTags 14 write r#"{"resourcesSet":{"items":[{"resourceId":"~i"}]},"tagSet":{"items":[{"key":"Name","value":"~n"}]}}"# r#"{"requestId":"~u","_return":true}"#;
    ec2 CreateSnapshot 10 write r#"{"volumeId":"~v","description":"nightly"}"# r#"{"requestId":"~u","snapshotId":"snap-0~h","volumeId":"~v","status":"pending","startTime":1780000000000,"progress":"0%","ownerId":"~a","volumeSize":"100","description":"nightly","encrypted":true}"#;
    ec2 RunInstances 8 write r#"{"instancesSet":{"items":[{"imageId":"ami-0~h","minCount":1,"maxCount":1}]},"instanceType":"m7g.large","blockDeviceMapping":{},"monitoring":{"enabled":false},"subnetId":"~d","disableApiTermination":false,"disableApiStop":false,"clientToken":"~U","ebsOptimized":false}"# r#"{"requestId":"~u","reservationId":"r-0~h","ownerId":"~a","groupSet":{},"instancesSet":{"items":[{"instanceId":"i-0~h","imageId":"ami-0~h","instanceState":{"code":0,"name":"pending"},"privateDnsName":"ip-192-0-2-17.internal.example.com","amiLaunchIndex":0,"productCodes":{},"instanceType":"m7g.large","launchTime":1780000000000,"placement":{"availabilityZone":"~ra","tenancy":"default"},"monitoring":{"state":"pending"},"subnetId":"~d","vpcId":"~c","privateIpAddress":"192.0.2.17","stateReason":{"code":"pending","message":"pending"},"architecture":"arm64","rootDeviceType":"ebs","rootDeviceName":"/dev/xvda","blockDeviceMapping":{},"virtualizationType":"hvm","hypervisor":"xen","clientToken":"~U","groupSet":{"items":[{"groupId":"~e","groupName":"service"}]},"sourceDestCheck":true,"ebsOptimized":false,"enaSupport":true,"cpuOptions":{"coreCount":2,"threadsPerCore":1}}]}}"#;
    ssm DescribeParameters 122 read r#"{"parameterFilters":[{"key":"Name","option":"Equals","values":["~p"]}],"shared":false}"# "null";
    ssm GetParameter 110 read r#"{"name":"~p","withDecryption":true}"# "null";
    ssm ListTagsForResource 82 read r#"{"resourceType":"Parameter","resourceId":"~p"}"# "null";
    ssm UpdateInstanceInformation 90 write r#"{"instanceId":"~i","agentVersion":"3.3.2299.0","agentStatus":"Active","platformType":"Linux","platformName":"Amazon Linux","platformVersion":"2023","iPAddress":"192.0.2.17","computerName":"host.internal.example.com","agentName":"amazon-ssm-agent","availabilityZone":"~ra"}"# "null";
    ssm PutParameter 40 write r#"{"name":"~p","value":"HIDDEN_DUE_TO_SECURITY_REASONS","type":"SecureString","overwrite":true,"allowedPattern":"","tier":"Standard"}"# r#"{"version":~n,"tier":"Standard"}"#;
    ssm DescribeInstanceInformation 27 read r#"{"maxResults":50}"# "null";
    iam GetUser 90 read "null" "null";
    iam ListAttachedRolePolicies 59 read r#"{"roleName":"~o"}"# "null";
    iam ListRolePolicies 43 read r#"{"roleName":"~o"}"# "null";
    iam GetRole 91 read r#"{"roleName":"~o"}"# "null";
    iam CreateRole 13 write r#"{"path":"/","roleName":"~o","assumeRolePolicyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"ec2.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}","maxSessionDuration":3600}"# r#"{"role":{"path":"/","roleName":"~o","roleId":"AROA~EEXAMPLE","arn":"arn:aws:iam::~a:role/~o","createDate":"Jul 9, 2026, 11:55:16 AM","assumeRolePolicyDocument":"%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22ec2.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D"}}"#;
    s3 GetBucketAcl 62 read r#"{"bucketName":"~b","Host":"~b.s3.~r.amazonaws.com","acl":""}"# "null";
    s3 GetBucketPublicAccessBlock 46 read r#"{"bucketName":"~b","Host":"~b.s3.~r.amazonaws.com","publicAccessBlock":""}"# "null";
    s3 GetBucketLogging 38 read r#"{"bucketName":"~b","Host":"~b.s3.~r.amazonaws.com","logging":""}"# "null";
    s3 GetBucketPolicy 44 read r#"{"bucketName":"~b","Host":"~b.s3.~r.amazonaws.com","policy":""}"# "null";
    s3 GetBucketLocation 48 read r#"{"bucketName":"~b","Host":"s3.~r.amazonaws.com","location":""}"# "null";
    s3 ListBuckets 33 read r#"{"Host":"s3.amazonaws.com"}"# "null";
    secretsmanager GetSecretValue 120 read r#"{"secretId":"arn:aws:secretsmanager:~r:~a:secret:~s","versionStage":"AWSCURRENT"}"# "null";
    secretsmanager DescribeSecret 56 read r#"{"secretId":"arn:aws:secretsmanager:~r:~a:secret:~s"}"# "null";
    secretsmanager GetResourcePolicy 39 read r#"{"secretId":"arn:aws:secretsmanager:~r:~a:secret:~s"}"# "null";
    secretsmanager PutSecretValue 18 write r#"{"secretId":"arn:aws:secretsmanager:~r:~a:secret:~s","clientRequestToken":"~U"}"# r#"{"arn":"arn:aws:secretsmanager:~r:~a:secret:~s"}"#;
    rds DescribeDBInstances 95 read r#"{"dBInstanceIdentifier":"orders-~n"}"# "null";
    rds DescribeOrderableDBInstanceOptions 40 read r#"{"engine":"postgres","dBInstanceClass":"db.r7g.large","vpc":true}"# "null";
    rds DescribeDBSnapshots 15 read r#"{"dBInstanceIdentifier":"orders-~n","snapshotType":"automated"}"# "null";
    sts AssumeRole 60 read r#"{"roleArn":"arn:aws:iam::~a:role/service/~o","roleSessionName":"~i","durationSeconds":3600}"# r#"{"credentials":{"accessKeyId":"ASIA~KEXAMPLE","sessionToken":"IQoJb3JpZ2luX2Vj~T","expiration":"Jul 10, 2026, 1:28:26 PM"},"assumedRoleUser":{"assumedRoleId":"AROA~EEXAMPLE:~i","arn":"arn:aws:sts::~a:assumed-role/~o/~i"}}"#;
    sts GetCallerIdentity 40 read "null" "null";
    health DescribeEventAggregates 30 read r#"{"aggregateField":"eventTypeCategory","filter":{"eventStatusCodes":["open","upcoming"]}}"# "null";
    cloudtrail DescribeTrails 18 read r#"{"trailNameList":[],"includeShadowTrails":true}"# "null";
    cloudtrail LookupEvents 17 read r#"{"lookupAttributes":[{"attributeKey":"EventName","attributeValue":"ScheduleKeyDeletion"}],"maxResults":50}"# "null";
    lambda ListFunctions20150331 27 read r#"{"maxItems":50}"# "null";
    lambda GetFunction20150331v2 25 read r#"{"functionName":"arn:aws:lambda:~r:~a:function:~o"}"# "null";
    logs CreateLogStream 60 write r#"{"logGroupName":"/aws/lambda/~o","logStreamName":"2026/07/10/[$LATEST]~h~h"}"# "null";
    elasticloadbalancing DescribeLoadBalancers 40 read r#"{"pageSize":400}"# "null";
    autoscaling DescribeAutoScalingGroups 30 read r#"{"maxRecords":100}"# "null";
    monitoring DescribeAlarms 30 read r#"{"maxRecords":100}"# "null";
    tagging GetResources 20 read r#"{"resourcesPerPage":100,"resourceTypeFilters":["kms:key"]}"# "null";
    guardduty ListDetectors 8 read r#"{"maxResults":"50"}"# "null";
    ecs DescribeTasks 30 read r#"{"cluster":"arn:aws:ecs:~r:~a:cluster/services","tasks":["~u"]}"# "null";
    eks DescribeCluster 20 read r#"{"name":"services"}"# "null";
};

/// Programs that call, by length as measured: half above 220 characters.
pub const AGENTS: [&str; 10] = [
    "APN/1.0 HashiCorp/1.0 Terraform/1.13.3 (+https://www.terraform.io) terraform-provider-aws/6.14.1 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.39.2 ua/2.1 os/linux lang/go#1.24.6 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.254.1 m/g,n,E",
    "Boto3/1.40.21 md/Botocore#1.40.21 ua/2.1 os/linux#6.1.141-155.222.amzn2023.x86_64 md/arch#x86_64 lang/python#3.12.11 md/pyimpl#CPython exec-env/AWS_Lambda_python3.12 m/b,Z,D,E,e cfg/retry-mode#legacy Botocore/1.40.21 Resource app/ingest-service md/Boto3#1.40.21",
    "aws-sdk-java/2.31.9 md/io#sync md/http#Apache ua/2.1 api/DynamoDB#2.31.x os/Linux#6.1.141-155.222.amzn2023.x86_64 lang/java#21.0.8 md/OpenJDK_64-Bit_Server_VM#21.0.8+9-LTS md/vendor#Amazon.com_Inc. md/en_US exec-env/AWS_ECS_FARGATE m/D,E cfg/retry-mode#standard md/internal#SingleThreaded app/orders-service",
    "aws-cli/2.31.2 md/awscrt#0.27.6 ua/2.1 os/linux#6.8.0-79-generic md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython exec-env/CloudShell m/E,b,Z cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#ec2.describe-instances",
    "aws-sdk-go-v2/1.39.2 ua/2.1 os/linux lang/go#1.24.6 md/GOOS#linux md/GOARCH#arm64 api/s3#1.88.1 m/E,b app/media-service exec-env/AWS_ECS_EC2 cfg/retry-mode#adaptive md/CGO#disabled",
    "aws-sdk-js/3.887.0 ua/2.1 os/linux#5.10.240-238.959.amzn2.x86_64 lang/js md/nodejs#22.19.0 api/secrets-manager#3.887.0 exec-env/AWS_Lambda_nodejs22.x m/E,n app/catalog-service cfg/retry-mode#standard md/browser#none",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "aws-sdk-go/1.55.5 (go1.22.7; linux; amd64) amazon-ssm-agent/3.3.2299.0",
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.100.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.36.3 ua/2.1 os/macos lang/go#1.23.8 md/GOOS#darwin md/GOARCH#arm64 api/iam#1.41.1",
    "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.750 Linux/5.10.240-238.966.amzn2int.x86_64 OpenJDK_64-Bit_Server_VM/25.462-b08 java/1.8.0_462 vendor/Oracle_Corporation cfg/retry-mode/standard]",
];

/// Services that act for themselves.
pub const SERVICES: [&str; 8] = [
    "cloudtrail.amazonaws.com",
    "ec2.amazonaws.com",
    "lambda.amazonaws.com",
    "config.amazonaws.com",
    "autoscaling.amazonaws.com",
    "inspector2.amazonaws.com",
    "delivery.logs.amazonaws.com",
    "rds.amazonaws.com",
];

/// How a call of one service fails: code, message as a template.
pub fn error(service: &str, pick: u64) -> (&'static str, &'static str) {
    match (service, pick % 4) {
        ("ec2", 0) => (
            "Client.UnauthorizedOperation",
            "You are not authorized to perform this operation. User: arn:aws:iam::~a:user/~o is not authorized to perform this action because no identity-based policy allows it. Encoded authorization failure message: ~T",
        ),
        ("ec2", 1) => (
            "Client.InvalidRouteTableID.NotFound",
            "The routeTable ID '~f' does not exist",
        ),
        ("ec2", _) => ("Client.RequestLimitExceeded", "Request limit exceeded."),
        ("s3", 0) => ("NoSuchBucketPolicy", "The bucket policy does not exist"),
        ("s3", 1) => (
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        ),
        ("s3", 2) => ("NoSuchTagSet", "The TagSet does not exist"),
        ("iam", 0) => ("NoSuchEntityException", "The role with name ~o cannot be found."),
        ("sts", _) => (
            "AccessDenied",
            "User: arn:aws:iam::~a:user/~o is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::~a:role/service/~o",
        ),
        (_, 0) => (
            "AccessDenied",
            "User: arn:aws:sts::~a:assumed-role/~o/~i is not authorized to perform this action because no identity-based policy allows it",
        ),
        _ => ("ThrottlingException", "Rate exceeded"),
    }
}
