//! The names of the client's options, as its reference prints them.

use super::{Known, Role, Used};

/// Every option: those that this host uses first, then the others in alphabetical order.
pub(super) fn all() -> impl Iterator<Item = Known> {
    let used = USED.iter().map(|(name, used)| Known {
        name,
        role: Role::Used(*used),
    });
    used.chain(KEPT.split_ascii_whitespace().map(kept))
}

fn kept(marked: &'static str) -> Known {
    let (name, role) = if let Some(name) = marked.strip_suffix('!') {
        (name, Role::KeptWord)
    } else if let Some(name) = marked.strip_suffix('?') {
        (name, Role::Secret)
    } else {
        (marked, Role::Kept)
    };
    Known { name, role }
}

const USED: [(&str, Used); 19] = [
    ("SErvername", Used::ServerName),
    ("REPLSERVERName", Used::ReplServerName),
    ("DEFAULTServer", Used::DefaultServer),
    ("SSL", Used::Ssl),
    ("SSLREQuired", Used::SslRequired),
    ("SSLACCEPTCERTFROMSERV", Used::SslAcceptCertFromServ),
    ("SSLFIPSMODE", Used::SslFipsMode),
    ("SSLDISABLELEGACYtls", Used::SslDisableLegacyTls),
    ("COMMMethod", Used::CommMethod),
    ("TCPServeraddress", Used::TcpServerAddress),
    ("TCPPort", Used::TcpPort),
    ("TCPADMINPort", Used::TcpAdminPort),
    ("NODename", Used::NodeName),
    ("PASSWORDDIR", Used::PasswordDir),
    ("REPLTCPSERVERADDRESS", Used::ReplTcpServerAddress),
    ("REPLTCPPort", Used::ReplTcpPort),
    ("REPLSSLPORT", Used::ReplSslPort),
    ("REPLSERVERGUID", Used::ReplServerGuid),
    ("MYREPLICATIONServer", Used::MyReplicationServer),
];

/// The others. `!` marks those whose value is a word or a number, which may not be quoted; `?`
/// marks those whose value is a secret. Capitals are the shortest form as far as it is known.
const KEPT: &str = "
    ABSolute! ADLocation! AFMSKIPUNCACHEDFILES! ARCHMc ARCHSYMLinkasfile! ASNODEname! ASRMODE!
    AUDITLOGGing! AUDITLOGName AUTODeploy! AUTOFsrename! AUTOMount
    BACKMc BACKUPInitiation! BACKUPRegistry! BACKUPSETname BASEsnapshotname
    CADLISTENONPort! CANDIDATESINTERVAL! CASESENSITIVEAware! CHAngingretries! CHECKFororphans!
    CHECKThresholds! CLASS CLIENTView CLUSTERDisksonly! CLUSTERnode! CLUSTERSHAREDFOLDER
    COLlocatebyfilespec! COMMRESTARTDuration! COMMRESTARTInterval! COMPRESSAlways! COMPRESSIon!
    CONsole CREATENEWBASE!
    DATACENTER DATASTORE DATEformat! DEACTivate! DEDUPCACHEPath DEDUPCACHESize! DEDUPLication!
    DELetefiles! DESCription DETail! DFSBACKUPmntpnt! DIFFSNAPSHOT DIFFSNAPSHOTName DIRMc
    DIRsonly! DISABLENqr! DISKBuffsize! DISKCACHELocation DOMain DOMAIN.IMage DOMAIN.NAS
    DOMAIN.VMFILE DOMAIN.VMFULL DYNAMICIMAGE!
    EDITor! ENABLEARCHIVERETENTIONPROTECTION! ENABLECLIENTENCRYPTKEY! ENABLEDEDUPCache!
    ENABLEINSTRUMENTATION! ENABLELANFREE! ENCRYPTIONType! ENCRYPTKEY! ERRORLOGMAX! ERRORLOGName
    ERRORLOGRetention! ERRORPROG EVENTLOGging! EXCLUDE EXCLUDE.ARCHIVE EXCLUDE.ATTRIBUTE.SYMLINK
    EXCLUDE.BACKUP EXCLUDE.COMPRESSION EXCLUDE.DEDUP EXCLUDE.DIR EXCLUDE.ENCRYPT EXCLUDE.FILE
    EXCLUDE.FILE.BACKUP EXCLUDE.FS EXCLUDE.FS.NAS EXCLUDE.IMAGE EXCLUDE.SPACEMGMT
    EXCLUDE.SUBFILE EXCLUDE.SYSTEMOBJECT EXCLUDE.SYSTEMSERVICE EXCLUDE.VMDISK
    FASTQUERYBACKUP! FBBranch FBCLientname FBPolicyname FBReposlocation FBServer FBVolumename
    FILELIst FILENAME FILESOnly! FOLlowsymbolic! FORCEFAILOVER! FROMDate! FROMNode! FROMOwner!
    FROMTime!
    GROUPName GROUPS
    HOST HSMBACKENDMODE HSMDISABLEautomigdaemons! HSMDISTRIBUTEDRECALL! HSMENABLEIMMEDMIGRATE!
    HSMEXTOBJIDATTR! HSMGROUPEDMIGRATE! HSMLOGEVENTFLAGS HSMLOGMAX! HSMLOGNAME HSMLOGRETENTION!
    HSMLOGSAMPLEINTERVAL! HSMMAXRECALLTAPEDRIVES! HSMMULTISERVER! HTTPport!
    IEObjtype IFNewer! IMAGEGapsize! IMAGETOfile INActive! INCLExcl INCLUDE INCLUDE.ARCHIVE
    INCLUDE.ATTRIBUTE.SYMLINK INCLUDE.BACKUP INCLUDE.COMPRESSION INCLUDE.DEDUP INCLUDE.ENCRYPT
    INCLUDE.FILE INCLUDE.FILE.BACKUP INCLUDE.FS INCLUDE.FS.NAS INCLUDE.IMAGE INCLUDE.SPACEMGMT
    INCLUDE.SUBFILE INCLUDE.SYSTEMOBJECT INCLUDE.SYSTEMSERVICE INCLUDE.SYSTEMSTATE INCLUDE.VM
    INCLUDE.VMDISK INCLUDE.VMLOCALSNAPSHOT INCLUDE.VMRESTOREVERIFY INCLUDE.VMSNAPDISK
    INCLUDE.VMSNAPSHOTATTEMPTS INCLUDE.VMTSMVSS INCRBYDate! INCRTHreshold! INSTRLOGMAX!
    INSTRLOGNAME
    JOURNALPipe
    KERNELMESSAGES!
    LANFREECommmethod! LANFREEShmport! LANFREESSL! LANFREETCPPort! LANFREETCPServeraddress!
    LANGuage! LARGECOMmbuffers! LATest! LOCALbackupset!
    MAILprog MAKESPARSEfile! MANAGEDServices! MAXCANDidates! MAXCANDPROCs! MAXCMDRetries!
    MAXMIGRATORs! MAXRECALLDaemons! MAXRECONcileproc! MAXThresholdproc! MBOBJREFRESHTHRESH!
    MBPCTREFRESHTHRESH! MEMORYEFficientbackup! MIGFILEEXPiration! MIGRATESERVER MINMIGFILESIZE!
    MINPARTIALRECALLSIZE! MINRECALLDaemons! MINSTREAMFILESIZE! MODE! MONitor!
    MYPRIMARYServername
    NAMEDpipename NASNodename NETTIMEout! NFSTIMEout! NOJournal! NOPRompt! NRTABLEPath
    NUMBERformat! NWEXITNLMPROMPT! NWIGNOREcomplexerror! NWPWFile NWUSer?
    OBJTYPE OPTFILE OPTIONFormat! OVERLAPRECALL! OWNER
    PASsword? PASSWORDAccess! PERFCOMMTimeout! PERFMONTCPPort! PERFMONTCPServeraddress! PICk!
    PITDate! PITTime! POSTNschedulecmd POSTSchedulecmd POSTSNAPshotcmd PRENschedulecmd
    PRESChedulecmd PRESERVELastaccessdate! PRESERVEPath! PRESNAPshotcmd PREVIEW
    PROCESSorutilization!
    QUERYSCHedperiod! QUERYSUMMARY! QUIET!
    RECONcileinterval! REMOVEOPerandlimit! REPlace! RESETARCHIVEATTRibute! RESOURceutilization!
    RESTORECHECKSTUBaccess! RESTOREMigstate! RETRYPeriod! REVokeremoteaccess! RUNASservice!
    SCHEDCMDDisabled! SCHEDCMDException SCHEDCMDUser SCHEDGROUP! SCHEDLOGMAX! SCHEDLOGName
    SCHEDLOGRetention! SCHEDMODe! SCHEDRESTRetrdisabled! SCROLLLines! SCROLLPrompt!
    SESSIONINITiation! SETWINDOWTITLE! SHAREASNAME SHMPort! SHOWMembers! SKIPACL!
    SKIPACLUPdatecheck! SKIPMIGrated! SKIPNTPermissions! SKIPNTSecuritycrc! SKIPSYSTemexclude!
    SNAPDIFF SNAPDIFFCHANGELogdir SNAPDIFFHTTPS! SNAPSHOTCACHELocation SNAPSHOTCACHESize!
    SNAPSHOTFSIDLERetries! SNAPSHOTFSIDLEWait! SNAPSHOTPROVIDERFs! SNAPSHOTPROVIDERImage!
    SNAPSHOTROot SRVOPTSETENCryptiondisabled! SRVPREPOSTSCHeddisabled! SRVPREPOSTSNAPdisabled!
    STAGINGDIRectory SUbdir! SUBFILEBackup! SUBFILECACHEPath SUBFILECACHESize!
    SYMbolicdestination! SYSTEMObject! SYSTEMServices! SYSTEMSTATEBACKUPMethod!
    TAPEPrompt! TCPBuffsize! TCPCADAddress! TCPCLIENTAddress! TCPCLIENTPort! TCPNodelay!
    TCPWindowsize! TESTFLAGs TIMEformat! TOC! TODate! TOTime! TRACEFIle TRACEFLags TRACEMAX!
    TRACESEGSIZE! TXNBytelimit! TYPE!
    UPDATECtime! USEDIRectory! USEREPLICATIONFailover! USERS USEUNICODEFILENAMES!
    V2archive! VERBose! VERIFYImage! VIRTUALFSname VIRTUALMountpoint VIRTUALNodename!
    VMAUTOSTARTvm! VMBACKDIR VMBACKNODELETE! VMBACKUPLOCation! VMBACKUPMAILBOXHISTORY!
    VMBACKUPTYPE! VMBACKUPUPDATEGUID! VMCHost VMCPw? VMCTLMC VMCUser VMDATACENTER VMDATASTORE
    VMDATASTOREThreshold VMDEFAULTDVPORTGROUP VMDEFAULTDVSWITCH VMDEFAULTNETWORK
    VMDISKprovision! VMENABLETEMPlatebackups! VMEXPIREPROTECT! VMFOLDER VMFULLNODELete!
    VMFULLtype! VMHOST VMISCSIAdapter VMISCSIServeraddress VMLIMITPERDatastore! VMLIMITPERHost!
    VMLIST VMMAXBACKUPSESSIONS! VMMAXPARallel! VMMAXPERDATASTORE! VMMAXPERHOST!
    VMMAXRESTOREPARALLELDISKS! VMMAXRESTOREPARALLELVMS! VMMAXRESTORESESSIONS!
    VMMAXSNAPSHOTRETRY! VMMAXVIRTUALDISKS! VMMC VMMOUNTAGE! VMNAME VMNOPRDMDISKS!
    VMNOVIRTUALDISKS! VMNOVRDMDISKS! VMPREFERDAGPASSIVE! VMPROCESSVMWITHINDEPENDENT!
    VMPROCESSVMWITHPRDM! VMPROCESSWITHPRDM! VMRESOURCEPOOL VMRESTOREType! VMSKIPCTLCOMPRESSION!
    VMSKIPMAXVIRTUALDISKS! VMSKIPMAXVMDKS! VMSKIPPHYSDISKS! VMSTORAGEType! VMTAGDATAMOVER!
    VMTAGDEFAULTDATAMOVER! VMTEMPDATACENTER VMTEMPDATASTORE VMTEMPHOST VMTIMEOUT!
    VMVERIFYIFAction! VMVERIFYIFLatest! VMVSTORCOMPR! VMVSTORTRANSPORT! VMVSTORTRANSPORTMODE!
    VSSALTSTAGINGDIR VSSUSESYSTEMPROVIDER!
    WASNODE WEBPorts! WILDCARDSareliteral!
";

#[cfg(test)]
mod tests {
    use super::all;
    use std::collections::BTreeSet;

    #[test]
    fn no_name_stands_twice() {
        let mut seen = BTreeSet::new();
        for known in all() {
            assert!(
                seen.insert(known.name.to_ascii_lowercase()),
                "{}",
                known.name
            );
        }
        assert!(seen.len() > 300, "{}", seen.len());
    }

    #[test]
    fn every_name_begins_with_its_shortest_form() {
        for known in all() {
            let tail = known
                .name
                .trim_start_matches(|letter: char| !letter.is_ascii_lowercase());
            assert!(
                tail.bytes().all(|letter| letter.is_ascii_lowercase()),
                "{}: a capital stands after a small letter",
                known.name
            );
            assert!(
                known
                    .name
                    .bytes()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == b'.'),
                "{}",
                known.name
            );
        }
    }
}
