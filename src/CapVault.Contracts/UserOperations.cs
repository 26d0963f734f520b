using System.Numerics;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using Nethereum.ABI;
using Nethereum.ABI.EIP712;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Signer;
using Nethereum.Util;

namespace CapVault.Contracts;

/// <summary>User operations (ERC-4337) of one EntryPoint v0.8: hash, packed fields, nonces.</summary>
public sealed class UserOperations
{
    /// <summary>Nonce keys of an agent account that belong to its Executor: 1 to this many; key 0 is the Owner's.</summary>
    public const int ExecutorLanes = 64;

    /// <summary>The nonce key of the Owner.</summary>
    public const int OwnerKey = 0;

    private static readonly byte[] TypeHash = Eip712.TypeHash(
        "PackedUserOperation(address sender,uint256 nonce,bytes initCode,bytes callData,bytes32 accountGasLimits,"
        + "uint256 preVerificationGas,bytes32 gasFees,bytes paymasterAndData)");

    private const string DomainName = "ERC4337";
    private const string DomainVersion = "1";

    private readonly BigInteger chainId;
    private readonly string entryPoint;
    private readonly byte[] domainSeparator;

    /// <param name="entryPoint">Address of EntryPoint v0.8.</param>
    public UserOperations(BigInteger chainId, string entryPoint)
    {
        this.chainId = chainId;
        this.entryPoint = entryPoint;
        domainSeparator = Eip712.DomainSeparator(DomainName, DomainVersion, chainId, entryPoint);
    }

    /// <summary>userOpHash: the 32 bytes that the account's key signs; everything but the signature goes into it.</summary>
    /// <param name="delegation">Of an EOA that has delegated itself (EIP-7702), the 20 bytes of whom to: its operations are hashed with it in place of
    /// the marker in initCode.</param>
    /// <exception cref="NotSupportedException">initCode is EIP-7702's marker, and there is no delegation.</exception>
    public byte[] Hash(PackedUserOperation operation, byte[]? delegation = null)
    {
        var initCode = operation.InitCode;
        if (IsDelegated(operation))
        {
            initCode = delegation is null
                ? throw new NotSupportedException("initCode: found the EIP-7702 marker 0x7702, expected nothing or a factory with its data.")
                : [.. delegation, .. operation.InitCode.Skip(20)];
        }

        return Eip712.Digest(domainSeparator, Eip712.StructHash(TypeHash, new ABIEncode().GetABIEncoded(
            new ABIValue("address", operation.Sender),
            new ABIValue("uint256", operation.Nonce),
            new ABIValue("bytes32", Keccak(initCode)),
            new ABIValue("bytes32", Keccak(operation.CallData)),
            new ABIValue("bytes32", operation.AccountGasLimits),
            new ABIValue("uint256", operation.PreVerificationGas),
            new ABIValue("bytes32", operation.GasFees),
            new ABIValue("bytes32", Keccak(operation.PaymasterAndData)))));
    }

    /// <summary>Whether initCode is EIP-7702's marker: 0x7702, padded with zeros to an address where data follows.</summary>
    public static bool IsDelegated(PackedUserOperation operation) =>
        operation.InitCode is [0x77, 0x02, ..] && operation.InitCode.Skip(2).Take(18).All(b => b == 0);

    /// <summary>Types, domain and message of <see cref="Hash"/>, for a wallet that shows what it signs.</summary>
    public TypedData<Domain> TypedData(PackedUserOperation operation)
    {
        var data = Eip712.Data(DomainName, DomainVersion, chainId, entryPoint, typeof(Message));
        data.PrimaryType = nameof(PackedUserOperation);
        data.SetMessage(new Message
        {
            Sender = operation.Sender,
            Nonce = operation.Nonce,
            InitCode = operation.InitCode,
            CallData = operation.CallData,
            AccountGasLimits = operation.AccountGasLimits,
            PreVerificationGas = operation.PreVerificationGas,
            GasFees = operation.GasFees,
            PaymasterAndData = operation.PaymasterAndData,
        });
        return data;
    }

    /// <summary>The account key's signature of an operation: 65 bytes.</summary>
    public static byte[] Sign(byte[] userOpHash, EthECKey key) => Eip712.Sign(key, userOpHash);

    /// <summary>verificationGasLimit ‖ callGasLimit.</summary>
    public static byte[] AccountGasLimits(BigInteger verificationGasLimit, BigInteger callGasLimit) => Pack(verificationGasLimit, callGasLimit);

    /// <summary>maxPriorityFeePerGas ‖ maxFeePerGas, wei per gas.</summary>
    public static byte[] GasFees(BigInteger maxPriorityFeePerGas, BigInteger maxFeePerGas) => Pack(maxPriorityFeePerGas, maxFeePerGas);

    /// <summary>The two halves of accountGasLimits or gasFees.</summary>
    public static (BigInteger High, BigInteger Low) Unpack(byte[] packed) => packed.Length == 32
        ? (new BigInteger(packed.AsSpan(0, 16), isUnsigned: true, isBigEndian: true), new BigInteger(packed.AsSpan(16), isUnsigned: true, isBigEndian: true))
        : throw new ArgumentException($"Found {packed.Length} bytes, expected the 32 of two packed numbers.", nameof(packed));

    /// <summary>key ‖ sequence: the operations of one key are executed in the order of their sequence, from 0.</summary>
    public static BigInteger Nonce(BigInteger key, ulong sequence) => (key << 64) | sequence;

    /// <summary>The key whose sequence the nonce counts.</summary>
    public static BigInteger NonceKey(BigInteger nonce) => nonce >> 64;

    /// <summary>The nonce key of an order's steps: 1 + orderId mod 64.</summary>
    public static int ExecutorKey(byte[] orderId) => 1 + (orderId[^1] % ExecutorLanes);

    internal static byte[] Keccak(byte[] bytes) => Sha3Keccack.Current.CalculateHash(bytes);

    internal static byte[] Pack(BigInteger high, BigInteger low) =>
        new ABIEncode().GetABIEncodedPacked(new ABIValue("uint128", high), new ABIValue("uint128", low));

    // What is hashed: the operation without its signature.
    [Struct(nameof(PackedUserOperation))]
    private sealed class Message
    {
        [Parameter("address", "sender", 1)]
        public required string Sender { get; init; }

        [Parameter("uint256", "nonce", 2)]
        public required BigInteger Nonce { get; init; }

        [Parameter("bytes", "initCode", 3)]
        public required byte[] InitCode { get; init; }

        [Parameter("bytes", "callData", 4)]
        public required byte[] CallData { get; init; }

        [Parameter("bytes32", "accountGasLimits", 5)]
        public required byte[] AccountGasLimits { get; init; }

        [Parameter("uint256", "preVerificationGas", 6)]
        public required BigInteger PreVerificationGas { get; init; }

        [Parameter("bytes32", "gasFees", 7)]
        public required byte[] GasFees { get; init; }

        [Parameter("bytes", "paymasterAndData", 8)]
        public required byte[] PaymasterAndData { get; init; }
    }
}
